#!/bin/sh
# libetpan's headers, unpacked into a folder: Debian's libetpan-dev wants libcurl4-gnutls-dev, which would replace the
# libcurl4-openssl-dev that the gateway is built with. The library itself (libetpan20) is installed as any other.
#   tools/etpan.sh build/etpan
set -eu
dir=$1
if [ ! -e "$dir/complete" ]; then
    command -v apt-get >/dev/null || { echo "Install libetpan with its headers: they are not in /usr/include/libetpan" >&2; exit 1; }
    mkdir -p "$dir"
    (cd "$dir" && apt-get download libetpan-dev && dpkg -x libetpan-dev_*.deb .) >"$dir/apt.log" 2>&1 ||
        { echo "libetpan-dev was not fetched: $(tail -n 1 "$dir/apt.log")" >&2; exit 1; }
    rm -f "$dir"/*.deb
    touch "$dir/complete"
fi
