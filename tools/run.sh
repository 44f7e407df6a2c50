#!/bin/sh
# make run: the gateway in the foreground, with your configuration ($HILO_CONFIG) or, without
# one, the example with made-up secrets and its data in build/run.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/run # the examples to try have their data there, too
if [ -n "${HILO_CONFIG:-}" ]; then
    exec "$1/hilod" -c "$HILO_CONFIG"
fi
sed -e "s#^\( *data_dir:\).*#\1 $PWD/build/run/data#" -e "s#^\( *plugin_dir:\).*#\1 $PWD/$1/plugins#" \
    -e "s#^\( *control:\).*#\1 $PWD/build/run/data/control.sock#" conf/hilo.yaml >build/run/hilo.yaml
grep -q '^ *plugin_dir:' build/run/hilo.yaml || sed -i "s#^gateway:#gateway:\n  plugin_dir: $PWD/$1/plugins#" build/run/hilo.yaml
unset_names=
for name in $(grep -v '^ *#' build/run/hilo.yaml | grep -o '\${[A-Z_]*}' | tr -d '${}' | sort -u); do
    eval "[ -n \"\${$name:-}\" ]" || { eval "$name=not-set"; eval "export $name"; unset_names="$unset_names $name"; }
done
[ -z "$unset_names" ] ||
    echo "Not set, so the channel will not reach its provider; export them to change that:$unset_names" >&2
cat <<TXT
Once it says gateway.ready, from another terminal (Ctrl-C here ends it):

  export HILO_CONTROL=$PWD/build/run/data/control.sock URL=http://127.0.0.1:8080
  export KEY=\$($PWD/$1/hilo key create --name try --scopes all -q)
  curl -s \$URL/v1/channels -H "Authorization: Bearer \$KEY"

Its configuration: build/run/hilo.yaml, made from conf/hilo.yaml; HILO_CONFIG=file runs another.
TXT
exec "$1/hilod" -c build/run/hilo.yaml
