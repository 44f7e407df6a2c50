#!/bin/sh
# make run: the gateway in the foreground, with your configuration ($HILO_CONFIG) or, without
# one, the example with made-up secrets and its data in build/run.
set -eu
cd "$(dirname "$0")/.."
if [ -n "${HILO_CONFIG:-}" ]; then
    exec "$1/hilod" -c "$HILO_CONFIG"
fi
mkdir -p build/run
sed -e "s#^\( *data_dir:\).*#\1 $PWD/build/run/data#" -e "s#^\( *plugin_dir:\).*#\1 $PWD/$1/plugins#" \
    -e "s#^\( *control:\).*#\1 $PWD/build/run/data/control.sock#" conf/hilo.yaml >build/run/hilo.yaml
grep -q '^ *plugin_dir:' build/run/hilo.yaml || sed -i "s#^gateway:#gateway:\n  plugin_dir: $PWD/$1/plugins#" build/run/hilo.yaml
for name in $(grep -v '^ *#' build/run/hilo.yaml | grep -o '\${[A-Z_]*}' | tr -d '${}' | sort -u); do
    eval "[ -n \"\${$name:-}\" ]" || { eval "$name=not-set"; eval "export $name"; echo "note: $name is not set; the channel can't reach its provider" >&2; }
done
echo "The command line finds it by: export HILO_CONTROL=$PWD/build/run/data/control.sock"
exec "$1/hilod" -c build/run/hilo.yaml
