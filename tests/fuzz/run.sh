#!/bin/sh
# tests/fuzz/run.sh FOLDER TARGET SECONDS: one target of that build folder, with its dictionary and
# corpus. What it finds to be new goes to FOLDER/found/TARGET, what it says to FOLDER/TARGET.log.
set -eu
f=$1 t=$2
mkdir -p "$f/found/$t"
dict=
[ ! -f "tests/fuzz/$t.dict" ] || dict=-dict=tests/fuzz/$t.dict
run="-max_len=8192 -rss_limit_mb=4096 -timeout=20"
# $run and $dict are words.
"$f/fuzz_$t" -max_total_time="$3" $run $dict -artifact_prefix="$f/found/$t-" "$f/found/$t" "tests/fuzz/corpus/$t" \
    >"$f/$t.log" 2>&1 || {
    tail -n 60 "$f/$t.log"
    echo "All of it: $f/$t.log. The input again: $f/fuzz_$t $run $(grep -o "$f/found/[^ ]*" "$f/$t.log" | tail -n 1)"
    exit 1
}
tail -n 1 "$f/$t.log"
