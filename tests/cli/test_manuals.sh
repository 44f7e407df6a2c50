#!/bin/sh
# The manual pages say what the programs do: every option of every command of hilo is in
# hilo(1), every option of hilo-till in hilo-till(1) and of hilod in hilod(8), and every key of the configuration with its
# default in hilo.yaml(5); the plugin of hilo-plugin(7) compiles and is one. HILO_BUILD:
# where hilo is.
set -eu
cd "$(dirname "$0")/../.."
hilo=${HILO_BUILD:-build/debug-gcc}/hilo
bad=0
say() { echo "$1" >&2; bad=1; }

mandoc -Tlint -Wwarning tools/man/*.[1578] || say "mandoc finds something in a page"

# A page without its macros' arguments split: "Fl c , -config Ar file" stays a line.
options=0
commands=$("$hilo" --help | sed -n 's/^  \([a-z].*\)$/\1/p' | grep -v '^hilo ' | sed 's/   *.*//')
for line in $(echo "$commands" | sed 's/ \[.*//; s/ [A-Z].*//' | tr ' ' '+'); do
    command=$(echo "$line" | tr '+' ' ')
    grep -q "^\.It Cm $command\( \|\$\)" tools/man/hilo.1 || say "hilo.1 has no command \"$command\""
    # shellcheck disable=SC2086
    for option in $("$hilo" $command --help | sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p'); do
        grep -q "Fl.* -$option\( \|\$\)" tools/man/hilo.1 || say "hilo.1 has no option --$option (of $command)"
        options=$((options + 1))
    done
done
[ "$options" -ge 100 ] || say "only $options options were found in hilo's help: this test reads it wrongly"

for option in $("$hilo-till" --help | grep -o -- '--[a-z][a-z-]*' | sort -u | sed 's/--//'); do
    grep -q "Fl.* -$option\( \|\$\)" tools/man/hilo-till.1 || say "hilo-till.1 has no option --$option"
done

# hilod stands beside hilo in every whole build.
if [ -x "${hilo}d" ]; then
    for option in $("${hilo}d" --help | grep -o -- '--[a-z-]*' | sort -u | sed 's/--//'); do
        grep -q "Fl.* -$option\( \|\$\)" tools/man/hilod.8 || say "hilod.8 has no option --$option"
    done
fi

# {GATEWAY(name, HILO_OPT_STR), .name = "name", .def = "hilo", …} one a line.
keys=$(tr '\n' ' ' <core/conf/settings.c | sed 's/{[A-Z_]*(/\n&/g' | sed -n 's/.*\.name = "\([a-z_]*\)".*/&/p' |
    sed 's/.*\.name = "\([a-z_]*\)"\(.*\.def = "\([^"]*\)"\)\{0,1\}.*/\1=\3/')
count=0
for key in $keys; do
    name=${key%%=*} def=${key#*=}
    count=$((count + 1))
    if [ -n "$def" ]; then
        grep -q "^\.It Cm $name Pq .*default $def\$" tools/man/hilo.yaml.5 ||
            say "hilo.yaml.5 has not the key $name with its default $def"
    else
        grep -q "^\.It Cm $name Pq " tools/man/hilo.yaml.5 || say "hilo.yaml.5 has no key $name"
    fi
done
[ "$count" -ge 30 ] || say "only $count keys were found in core/conf/settings.c: this test reads it wrongly"

toy=$(mktemp -d)
trap 'rm -rf "$toy"' EXIT
mandoc -T ascii tools/man/hilo-plugin.7 | sed -n '/#include <fcntl/,/= toy_close};/p' >"$toy/toy.c"
if ! ${CC:-cc} -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -fPIC -fvisibility=hidden -shared -Wl,-z,defs \
    -o "$toy/toy.so" "$toy/toy.c"; then
    say "the plugin in hilo-plugin.7 does not compile"
elif [ -x "${hilo}d" ]; then
    "${hilo}d" --check-plugin "$toy/toy.so" >"$toy/said" || say "hilod finds something in the plugin of hilo-plugin.7"
fi

[ "$bad" -eq 0 ] || exit 1
echo "the manual pages name $options options of hilo and $count keys of hilo.yaml"
