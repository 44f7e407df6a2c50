#!/bin/sh
# Fails when a file includes what its layer may not see (core/README.md):
#   base < model, loop, conf < store, plug < services < api < main
#   the worker's main: base, model, loop, conf and plug only
#   plugins and tools: hilo/ and their own folder; LMDB: core/store only
set -eu
cd "$(dirname "$0")/.."
bad=0
say() { echo "$1" >&2; bad=1; }

# folder: layers of core/ that its files may include
allowed() {
    case $1 in
    base) echo base ;;
    model | loop | conf) echo "base $1" ;;
    store) echo "base model store" ;;
    plug) echo "base model loop conf plug" ;;
    services) echo "base model loop conf store plug services" ;;
    api) echo "base model loop conf store plug services api" ;;
    esac
}
for layer in base model loop conf store plug services api; do
    ok=" $(allowed $layer) "
    for use in $(find core/$layer -name '*.[ch]' -exec grep -Ho '^#include "[a-z]*/' {} + | tr ' ' '='); do
        file=${use%%:*}
        to=$(echo "$use" | sed 's/.*"\([a-z]*\)\//\1/')
        case $ok in
        *" $to "*) ;;
        *) say "$file includes $to/, which is not below $layer/ (core/README.md, layers)" ;;
        esac
    done
done
for use in $(grep -o '^#include "[a-z]*[/.]' core/worker.c | tr ' ' '='); do
    to=$(echo "$use" | sed 's/.*"\([a-z]*\).*/\1/')
    case " base model loop conf plug " in
    *" $to "*) ;;
    *) say "core/worker.c includes $to: a worker has what runs a plugin, nothing above" ;;
    esac
done
for file in $(grep -rlE '^#include <lmdb.h>' core plugins tools | grep -v '^core/store/' || :); do
    say "$file includes lmdb.h: only core/store sees LMDB"
done
for file in $(grep -rlE '^#include "(base|model|loop|conf|store|plug|services|api)/' plugins tools || :); do
    say "$file includes a header of core/: plugins and tools see include/hilo only"
done
for file in $(grep -rlE '^#include [<"]hilo/' tools/sim || :); do
    say "$file includes hilo/: a simulator shares no code with what it tests"
done
[ "$bad" -eq 0 ] || exit 1
