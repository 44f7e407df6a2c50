#!/bin/bash
# make bench-voice: calls set up and torn down, and calls with sound both ways, against sipp's own UAS in turn.
# README.md says what each line means.
# Environment besides lib.sh's: AT_ONCE (calls in setting up), STEPS (how many calls talk at a time), LONG (seconds of the long run),
# CALLS (of the long run), RATE (paced set-ups a second), PIN=no.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/lib.sh
at_once=${AT_ONCE:-1 16 64} steps=${STEPS:-100 200 300 450 600 800} long=${LONG:-60} calls=${CALLS:-300} paced=${RATE:-100}
[ "${PIN:-}" != no ] || server='' generator=''
load="$generator $bin/tests/bench/bench_voice_load"
peer='' port=''
trap 'stop "$peer"; stop "$pid"' EXIT
rm -rf "$dir"
mkdir -p "$dir/samples"
command -v sipp >/dev/null || fail "sipp is not here (package sip-tester)"
ulimit -n 16384 2>/dev/null || fail "ulimit -n must allow 16384 files"
machine
echo "each: $rounds rounds in turn, $secs s; medians, and the spread of the rounds"

free_port() {
    local n
    for _ in $(seq 100); do
        n=$((20000 + RANDOM % 5000))
        grep -q ":$(printf %04X $n) " /proc/net/udp || { echo $n; return; }
    done
    fail "no free port"
}
sipp_start() { # sipp as called party: answers at once, gives back the RTP that comes
    port=$(free_port)
    $server sipp -sn uas -i 127.0.0.1 -p "$port" -mp $((port + 10000)) -rtp_echo -nostdin -trace_err \
        -error_file "$dir/sipp.errors" >"$dir/sipp.log" 2>&1 &
    peer=$!
    awake
}
awake() { # until it answers a call
    local out
    for _ in $(seq 60); do
        out=$($load "$port" setup 1 1 1) || fail "the load did not run"
        [ "$(field "$out" calls)" = 0 ] || return 0
    done
    fail "nobody answers at port $port: $out"
}
hilo_voice_start() {
    local data=$dir/data
    rm -rf "$data"
    rm -f "$dir/hilod.log"
    port=$(free_port)
    $load tone "$dir/400.wav" 400 30 && $load tone "$dir/800.wav" 800 30 || fail "no tones"
    cat >"$dir/hilo.yaml" <<YAML
gateway:
  data_dir: $data
  plugin_dir: $bin/plugins
http:
  listen: 127.0.0.1:0
log:
  level: warn
channels:
  bench:
    type: voice
    udp: 127.0.0.1:$port
    rtp: 127.0.0.1
    rtp_port_min: 30000
    rtp_port_max: 39999
    trunk: 127.0.0.1
    keep_alive: 0s
    calls: 4000
    calls_per_second: 0
    codecs: pcmu
    menu:
      start: low
      low:
        do: keys
        say: {es: "file:$dir/400.wav", en: "file:$dir/400.wav"}
        keys: {1: low, 2: high}
        no_key: bye
      high:
        do: keys
        say: {es: "file:$dir/800.wav", en: "file:$dir/800.wav"}
        keys: {1: low, 2: high}
        no_key: bye
      bye: {do: hangup}
YAML
    $server "$bin/hilod" -c "$dir/hilo.yaml" --ready-fd 3 3>"$dir/ready" 2>"$dir/hilod.log" &
    pid=$!
    url=http://127.0.0.1:$(line_of "$dir/ready" port= | sed 's/.*port=//')
    key=$(curl -sS --fail-with-body --max-time 10 --unix-socket "$data/control.sock" http://hilo/v1/keys \
        -H 'Content-Type: application/json' -d '{"name":"bench","scopes":["all"]}' | jq -r .key) || fail "no key was made"
    for _ in $(seq 300); do
        [ "$(api GET /v1/channels | jq -r '.channels[0].state')" != up ] || { awake; return 0; }
        sleep 0.1
    done
    fail "the channel did not come up: $(api GET /v1/channels)"
}

# ---- what is measured --------------------------------------------------------------
setup() { # process at_once seconds rate name: a call is set up and hung up
    local before out made
    before=$(ticks "$1")
    out=$($load "$port" setup "$2" "$3" "$4") || fail "the load did not run"
    made=$(field "$out" calls)
    [ "$made" -gt 0 ] && [ "$(field "$out" failed)" = 0 ] || fail "calls failed: $out"
    sample "$5_rate" "$(field "$out" rate)"
    sample "$5_setup50" "$(field "$out" setup_p50)"; sample "$5_setup99" "$(field "$out" setup_p99)"
    sample "$5_bye99" "$(field "$out" bye_p99)"
    sample "$5_cpu" "$(calc %.0f "($(ticks "$1") - $before) * 1e6 / $hz / $made")"
}
show_setup() { # label name
    printf '%-34s %8s calls/s (%s)  answered p50 %s us  p99 %s us  BYE p99 %s us  CPU %s us a call\n' "$1" "$(median "$2_rate")" \
        "$(spread "$2_rate")" "$(median "$2_setup50")" "$(median "$2_setup99")" "$(median "$2_bye99")" "$(median "$2_cpu")"
}
talk() { # process calls seconds keys|echo: sets out, cpu (of a core, in percent), kib
    local before began idle
    idle=$(resident_kib "$1")
    $load "$port" talk "$2" "$3" "$4" >"$dir/talk.log" 2>&1 &
    local load_pid=$!
    for _ in $(seq $((200 + $2 / 2))); do grep -q '^began' "$dir/talk.log" && break; sleep 0.1; done
    before=$(ticks "$1") began=$(now_us)
    sleep $(($3 - 1))
    cpu=$(calc %.1f "($(ticks "$1") - $before) * 1e8 / $hz / ($(now_us) - $began)")
    kib=$(($(resident_kib "$1") - idle))
    wait $load_pid || fail "the load did not run: $(tail -n 1 "$dir/talk.log")"
    out=$(tail -n 1 "$dir/talk.log")
    [ "$(field "$out" calls)" = "$2" ] || fail "not all calls came to their end: $out"
}
show_talk() { # label calls
    local n
    n=$(field "$out" packets)
    printf '%-34s %5s calls  %8s packets  late by 20 ms %s  lost %s  off the clock at most %s ms  key to tone p50 %s ms  p99 %s ms  CPU %s %%  %s KiB a call  the load itself late p99 %s us\n' \
        "$1" "$2" "$n" "$(field "$out" late)" "$(field "$out" lost)" "$(calc %.1f "$(field "$out" off_us) / 1000")" \
        "$(calc %.1f "$(field "$out" key_p50) / 1000")" "$(calc %.1f "$(field "$out" key_p99) / 1000")" "$cpu" \
        "$(calc %.0f "$kib / $2")" "$(field "$out" own_p99)"
}
# In time: no more than one packet in a thousand late, nothing lost, nine packets of ten that were due are there.
in_time() { # calls seconds
    [ "$(calc %d "($(field "$out" late) * 1000 <= $(field "$out" packets) && $(field "$out" packets) >= $1 * $2 * 45)")" = 1 ]
}
# What must be so for the numbers to mean anything: the prompts were heard, and keys did what they do.
sane() { # calls
    [ "$(field "$out" by_peer)" = 0 ] || fail "calls were hung up: $out"
    [ "$(calc %d "($(field "$out" tones) >= $(field "$out" packets) * 0.9)")" = 1 ] || fail "the prompts were not heard: $out"
    [ "$(calc %d "($(field "$out" keys_lost) * 100 <= $(field "$out" keys))")" = 1 ] || fail "keys did nothing: $out"
}

for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    sipp_start
    for n in $at_once; do setup $peer "$n" "$secs" 0 "sipp$n"; done
    stop $peer
    hilo_voice_start
    for n in $at_once; do setup $pid "$n" "$secs" 0 "hilo$n"; done
    setup $pid 1000 "$secs" "$paced" paced
    stop $pid
done
echo
for n in $at_once; do
    show_setup "sipp's UAS, $n at a time" "sipp$n"
    show_setup "Hilo, $n at a time" "hilo$n"
done
show_setup "Hilo, $paced a second" paced

echo
sipp_start
for n in $steps; do
    talk $peer "$n" 10 echo
    show_talk "sipp's UAS, echo" "$n"
    in_time "$n" 10 || break
    sipp_most=$n
done
stop $peer
peer=''
hilo_voice_start
idle=$(resident_kib $pid)
for n in $steps; do
    talk $pid "$n" 10 keys
    show_talk "Hilo, prompt and keys" "$n"
    each_kib=${each_kib:-$(calc %.0f "$kib / $n")} # later ones find memory that earlier ones have left
    in_time "$n" 10 || break
    sane "$n"
    hilo_most=$n
done
talk $pid "$calls" "$long" keys
show_talk "Hilo, $long s" "$calls"
sane "$calls"
echo "idle: $idle KiB resident beside the mapped store"

echo
set -- $at_once
shift $(($# - 1))
compare voice_setup_to_sipp "$(calc %.2f "$(median "hilo$1_rate") / $(median "sipp$1_rate")")"
compare voice_setup_per_s "$(median "hilo$1_rate")" at_least 100
compare voice_paced_setup_p99_ms "$(calc %.1f "$(median paced_setup99) / 1000")"
compare voice_calls_to_sipp "$(calc %.2f "${hilo_most:-0} / ${sipp_most:-1}")"
compare voice_calls "${hilo_most:-0}" at_least 300
compare "voice_${calls}_off_ms" "$(calc %.1f "$(field "$out" off_us) / 1000")" at_most 20
compare "voice_${calls}_late" "$(field "$out" late)" at_most 0
compare voice_call_cpu_percent "$(calc %.3f "$cpu / $calls")"
compare voice_call_kib "$each_kib"
compare voice_key_p99_ms "$(calc %.1f "$(field "$out" key_p99) / 1000")"
