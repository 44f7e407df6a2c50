#!/bin/bash
# make bench-pos: what a clerk waits for, and what many idle tills cost. A store of a million customers, of whom
# SAMPLE have 20 timeline entries each and are looked up by their document over TLS; then TILLS idle tills, and their
# return after a restart. README.md says what each line means.
# Environment besides lib.sh's: CUSTOMERS, SAMPLE, LOOKUPS (in each round), TILLS.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/lib.sh
customers=${CUSTOMERS:-1000000} sample=${SAMPLE:-50000} lookups=${LOOKUPS:-20000} tills=${TILLS:-10000}
rm -rf "$dir"
mkdir -p "$dir/samples"
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -gt $((tills + 200)) ] || fail "$tills tills need as many open files; the limit is $(ulimit -n)"
machine
echo "store: $customers customers, $sample of them with 20 timeline entries each; $rounds rounds of $lookups look-ups"
data=$dir/data
"$bin/tests/bench/bench_fill" "$data" "$customers" $((20 * sample)) 64 "$sample" >"$dir/fill.log" 2>"$dir/fill.err" ||
    fail "the store could not be filled: $(tail -n 1 "$dir/fill.err")"
echo "filled: $(cat "$dir/fill.log"), journal $(du -sm "$data/journal" | cut -f1) MB, context $(du -sm "$data/context" | cut -f1) MB"

pos_port=$((25000 + RANDOM % 7000))
channel_more="# and the tills
  pos:
    type: pos
    listen: 127.0.0.1:$pos_port
    names: 127.0.0.1
    connections_per_address: $((tills + 100))
    finds_per_terminal: 0
    finds_per_clerk: 0
    heartbeat: 10m"
hilo_start http://127.0.0.1:9 1
line_of "$dir/hilod.log" 'channel=pos state=up text="listening"' >/dev/null

# ---- one till, one connection, three things in turn ----
for round in $(seq "$rounds"); do
    $generator "$bin/tests/bench/bench_pos_find" "$pos_port" "${url##*:}" "$key" "$lookups" "$sample" >"$dir/find.txt" ||
        fail "the till failed"
    for what in find echo ping; do
        out=$(grep "^$what " "$dir/find.txt")
        sample "${what}_p50" "$(field "$out" p50)"
        sample "${what}_p99" "$(field "$out" p99)"
    done
done
for what in find echo ping; do
    echo "$what: p50 $(median "${what}_p50") us ($(spread "${what}_p50"))  p99 $(median "${what}_p99") us ($(spread "${what}_p99"))  $(field "$(grep "^$what " "$dir/find.txt")" bytes) bytes"
done
for p in p50 p99; do
    compare "pos_find_to_audited_echo_$p" "$(calc %.2f "$(median find_$p) / $(median echo_$p)")" at_most 1.3
    compare "pos_find_to_ping_$p" "$(calc %.2f "$(median find_$p) / $(median ping_$p)")"
done

# ---- idle tills ----
customer=$(api POST /v1/customers '{"name":"Bench"}' | jq -r .id)
coproc IDLE { exec $generator "$bin/tests/bench/bench_pos_idle" "$pos_port" "${url##*:}" "$key" "$tills" "$customer" 2>"$dir/idle.log"; }
exec {from}<&"${IDLE[0]}" {to}>&"${IDLE[1]}"
says() { IFS= read -r -t 1200 line <&"$from" || fail "the idle tills: $(tail -n 1 "$dir/idle.log")"; }
says
echo "tills: $line"
before=$(resident_kib "$pid")
echo >&"$to"
says
after=$(resident_kib "$pid")
each=$(calc %.1f "($after - $before) / $tills")
echo "tills: $line, $each KiB resident each, TLS included"
compare pos_idle_till_kib "$each" at_most 24
began=$(now_us)
kill "$pid" && wait "$pid" || fail "the gateway did not end well"
pid=''
hilo_start http://127.0.0.1:9 1
line_of "$dir/hilod.log" 'channel=pos state=up text="listening"' >/dev/null
echo "restart: listening after $(calc %.2f "($(now_us) - $began) / 1e6") s"
says
echo "tills: $line"
[ "$(field "$line" refused)" = 0 ] || fail "$(field "$line" refused) visits were refused"
[ "$(field "$line" back)" = "$tills" ] || fail "not all came back"
echo "restart: the last till was back, its visit recorded, $(calc %.2f "$(field "$line" last) / 1e6") s after the first had lost its line; $(field "$line" tries) connections for $tills tills, no request refused"
rm -rf "$data"
