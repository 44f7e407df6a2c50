#!/bin/sh
# Lays daemon, command line, till and its library, plugins, headers, hilo.pc, man pages, the systemd unit and the
# example configuration under $DESTDIR$PREFIX. Called by make install.
set -eu
cd "$(dirname "$0")/.."
root=${DESTDIR:-}$PREFIX
put() { # mode file folder
    mkdir -p "$3"
    install -m "$1" "$2" "$3/"
}
put 755 "$BUILD_DIR/hilod" "$root/sbin"
put 755 "$BUILD_DIR/hilo" "$root/bin"
put 755 "$BUILD_DIR/hilo-till" "$root/bin"
put 755 "$BUILD_DIR/hilo-worker" "$root/libexec/hilo"
for so in "$BUILD_DIR"/plugins/*.so; do put 755 "$so" "$root/lib/hilo/plugins"; done
for h in include/hilo/*; do put 644 "$h" "$root/include/hilo"; done
put 644 conf/hilo.yaml "$root/share/doc/hilo"
put 644 conf/infobip.yaml "$root/share/doc/hilo"
put 644 conf/pos.yaml "$root/share/doc/hilo"
for provider in smpp infobip twilio; do put 644 "conf/sms-$provider.yaml" "$root/share/doc/hilo"; done
put 644 conf/hilo.rules.yml "$root/share/doc/hilo"
for page in tools/man/*.[1-8]; do put 644 "$page" "$root/share/man/man${page##*.}"; done
put 644 tools/hilotill/hilotill.h "$root/include"
put 644 "$BUILD_DIR/libhilotill.a" "$root/lib"
install -m 755 "$BUILD_DIR/libhilotill.so" "$root/lib/libhilotill.so.1"
ln -sf libhilotill.so.1 "$root/lib/libhilotill.so"
mkdir -p "$root/lib/pkgconfig"  "$root/lib/systemd/system" "${DESTDIR:-}/etc/hilo"
sed "s|@PREFIX@|$PREFIX|g" conf/hilod.service >"$root/lib/systemd/system/hilod.service"
chmod 644 "$root/lib/systemd/system/hilod.service"
cat >"$root/lib/pkgconfig/hilo.pc" <<PC
prefix=$PREFIX
includedir=\${prefix}/include
plugindir=\${prefix}/lib/hilo/plugins

Name: hilo
Description: Channel plugins for the Hilo gateway (ABI 1.0)
Version: $VERSION
Cflags: -I\${includedir} -fPIC -fvisibility=hidden
Libs: -shared -Wl,-z,defs
PC
cat >"$root/lib/pkgconfig/hilotill.pc" <<PC
prefix=$PREFIX
includedir=\${prefix}/include
libdir=\${prefix}/lib

Name: hilotill
Description: A till's side of the Hilo gateway's POS channel
Version: 1.0.0
Requires.private: libssl libcrypto sqlite3 libcares libcjson
Cflags: -I\${includedir}
Libs: -L\${libdir} -lhilotill
PC
echo "Installed under $root. Next: cp $root/share/doc/hilo/hilo.yaml /etc/hilo/ and edit it; see hilod(8)."
