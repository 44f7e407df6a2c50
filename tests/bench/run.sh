#!/bin/bash
# make bench: speed as ratios within one run. README.md says what each line means.
# Environment: HILO_BUILD (where the binaries are), ROUNDS, SECONDS_EACH, CUSTOMERS.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$PWD/$HILO_BUILD
dir=$PWD/build/bench
rounds=${ROUNDS:-3} secs=${SECONDS_EACH:-3} customers=${CUSTOMERS:-10000}
server='' generator='' pid='' sim='' hz=$(getconf CLK_TCK)
[ "$(nproc)" -lt 2 ] || { server='taskset -c 0' generator='taskset -c 1'; }

stop() { # pid
    [ -z "$1" ] || { kill "$1" 2>/dev/null && wait "$1" 2>/dev/null; } || :
}
trap 'stop "$pid"; stop "$sim"' EXIT
trap 'exit 130' INT TERM
fail() {
    echo "bench: $*" >&2
    tail -n 5 "$dir"/*.log >&2 2>/dev/null || :
    exit 1
}
line_of() { # file word: waits for a line with it, prints that line
    for _ in $(seq 300); do
        grep -m 1 -- "$2" "$1" 2>/dev/null && return
        sleep 0.1
    done
    fail "nothing said \"$2\" in $1"
}
field() { # "a=1 b=2" b
    local words=" $1"
    words=${words#* "$2"=}
    echo "${words%% *}"
}
ticks() { # CPU of a process so far, user and system, all its threads
    local stat
    stat=$(cat "/proc/$1/stat") || fail "process $1 has ended"
    set -- ${stat##*) }
    echo $((${12} + ${13}))
}
calc() { awk "BEGIN { printf \"$1\", $2 }"; } # format expression
sample() { echo "$2" >>"$dir/samples/$1"; }    # name value
median() { sort -g "$dir/samples/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
spread() { sort -g "$dir/samples/$1" | awk 'NR == 1 { a = $1 } { b = $1 } END { print a " to " b }'; }
now_us() { echo $((${EPOCHREALTIME/./})); }

bare_start() {
    $server "$bin/tests/bench/bench_bare" >"$dir/bare.log" 2>&1 &
    pid=$!
    url=http://127.0.0.1:$(line_of "$dir/bare.log" port= | sed 's/port=//')
    key=none
}
api() { # method path [json]
    curl -sS --fail-with-body --max-time 60 -X "$1" "$url$2" -H "Authorization: Bearer $key" \
        -H 'Content-Type: application/json' ${3:+-d "$3"} || fail "no answer to $1 $2"
}
# A gateway with an empty store, its only channel (WhatsApp) paused.
hilo_start() { # base_url in_flight
    rm -rf "$dir/data" "$dir/hilod.log"
    cat >"$dir/hilo.yaml" <<YAML
gateway:
  data_dir: $dir/data
  plugin_dir: $bin/plugins
http:
  listen: 127.0.0.1:0
  connections_per_ip: 1000
log:
  level: info
channels:
  bench:
    type: whatsapp
    account: "102290129340398"
    queue_max: 100000000
    in_flight: $2
    phone_number_id: "106540352242922"
    waba_id: "102290129340398"
    token: sim-token
    app_secret: sim-app-secret
    verify_token: sim-verify
    base_url: $1
YAML
    $server "$bin/hilod" -c "$dir/hilo.yaml" 2>"$dir/hilod.log" &
    pid=$!
    url=http://127.0.0.1:$(line_of "$dir/hilod.log" gateway.ready | sed 's/.*port=\([0-9]*\).*/\1/')
    line_of "$dir/hilod.log" 'state=up text="ready"' >/dev/null
    key=$(curl -sS --fail-with-body --max-time 10 --unix-socket "$dir/data/control.sock" http://hilo/v1/keys \
        -H 'Content-Type: application/json' -d '{"name":"bench","scopes":["all"]}' | jq -r .key) || fail "no key was made"
    api POST /v1/channels/bench/pause >/dev/null
}
sim_start() {
    $generator "$bin/sim/hilo-sim-whatsapp" --port 0 --no-window --keep 1000 --connections 4 --batch 20 \
        >"$dir/sim.log" 2>&1 </dev/null &
    sim=$!
    sim_url=http://127.0.0.1:$(line_of "$dir/sim.log" 'ready port=' | sed 's/.*port=//')
}
# Drives $url; sets rate p50 p99 cpu share bad made. Every answer must be 2xx.
drive() { # connections seconds
    local before after began took out
    run=${run:-0}
    run=$((run + 1))
    before=$(ticks "$pid")
    began=$(now_us)
    # What the shell has waited for: wrk's CPU is the difference.
    local gen_before gen_after
    gen_before=$(children)
    out=$($generator wrk -t1 -c"$1" -d"$2"s -s tests/bench/messages.lua "$url" -- "$key" "r$run" "$customers")
    gen_after=$(children)
    after=$(ticks "$pid")
    took=$(($(now_us) - began))
    out=$(grep '^requests=' <<<"$out") || fail "wrk said nothing that can be used: $out"
    made=$(field "$out" requests) p50=$(field "$out" p50) p99=$(field "$out" p99)
    bad=$(($(field "$out" bad) + $(field "$out" errors)))
    [ "$made" -gt 0 ] || fail "not one request was answered"
    [ "$bad" = 0 ] || fail "$bad answers of $made were not 2xx, or did not come"
    rate=$(calc %.0f "$made * 1e6 / $(field "$out" us)")
    cpu=$(calc %.2f "($after - $before) * 1e6 / $hz / $made")
    share=$(calc %.2f "($gen_after - $gen_before) * 1e6 / $hz / $took")
}
children() { # CPU ticks of this shell's children that have ended
    local stat
    read -r stat </proc/$$/stat
    set -- ${stat##*) }
    echo $((${14} + ${15}))
}
log_run() { # records a batch
    log=$($server "$bin/tests/bench/bench_log" "$dir/log.bin" "$1" 700) || fail "the plain log failed"
}
compare() { # name ratio
    echo "bench $1: ratio $2 goal none"
}

rm -rf "$dir"
mkdir -p "$dir/samples"
echo "machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p;' /proc/cpuinfo | head -n 1), Linux $(uname -r), $(stat -f -c %T "$dir"), load average $(cut -d' ' -f1 /proc/loadavg)"
[ -n "$server" ] && echo "pinned: servers to core 0, wrk and the simulator to core 1" || echo "pinned: nothing, there is one core"
echo "each: $rounds rounds in turn, $secs s, $customers customers; medians, and the spread of the rounds"

for _ in $(seq "$rounds"); do
    bare_start
    drive 64 "$secs"
    sample bare_rate "$rate"; sample bare_cpu "$cpu"; sample bare_p50 "$p50"; sample bare_p99 "$p99"; sample bare_gen "$share"
    stop "$pid"; pid=
    log_run 64
    sample log_rate "$(field "$log" rate)"; sample log_p50 "$(field "$log" p50_us)"; sample log_cpu "$(field "$log" cpu_us)"
    hilo_start http://127.0.0.1:9 1
    drive 64 1 # every customer is known from here on
    queued=$made
    drive 64 "$secs"
    sample hilo_rate "$rate"; sample hilo_cpu "$cpu"; sample hilo_p50 "$p50"; sample hilo_p99 "$p99"; sample hilo_gen "$share"
    queued=$((queued + made))
    drive 1 "$secs"
    sample one_p50 "$p50"; sample one_rate "$rate"; sample one_cpu "$cpu"
    queued=$((queued + made))
    # The gateway's own count: what was answered is queued; what wrk cut off at its ends may be.
    in_queue=$(api GET /v1/channels | jq '.channels[0].queued')
    [ "$in_queue" -ge "$queued" ] && [ "$in_queue" -le $((queued + 200)) ] ||
        fail "$queued messages were answered with 202, $in_queue are queued"
    log_run 1
    sample sync_p50 "$(field "$log" p50_us)"
    stop "$pid"; pid=
done

show() { # label prefix
    printf '%-34s %9s requests/s (%s)  p50 %s us  p99 %s us  CPU %s us a request  wrk busy %s\n' "$1" "$(median "$2_rate")" \
        "$(spread "$2_rate")" "$(median "$2_p50")" "$(median "$2_p99")" "$(median "$2_cpu")" "$(median "$2_gen")"
}
echo
show 'bare libmicrohttpd, 64 conn.' bare
printf '%-34s %9s records/s  (%s)  p50 %s us a batch of 64  CPU %s us a record\n' 'plain log, one sync per 64' \
    "$(median log_rate)" "$(spread log_rate)" "$(median log_p50)" "$(median log_cpu)"
show 'POST /v1/messages, 64 conn.' hilo
printf '%-34s %9s requests/s (%s)  p50 %s us, one sync %s us  CPU %s us a request\n' 'POST /v1/messages, 1 conn.' \
    "$(median one_rate)" "$(spread one_rate)" "$(median one_p50)" "$(median sync_p50)" "$(median one_cpu)"

# The whole flow: accepted, sent to the simulator, and its receipts taken.
sim_start
hilo_start "$sim_url" 200
curl -sS --max-time 10 "$sim_url/_sim/config" -d "{\"webhook_url\":\"$url/hooks/bench\"}" >/dev/null || fail "the simulator did not answer"
api POST /v1/channels/bench/resume >/dev/null
began=$(now_us) before=$(ticks "$pid")
drive 64 1
settled() { # all sent, and three receipts each: sent, delivered, read
    api GET /v1/channels >"$dir/channels.json"
    [ "$(jq --argjson n "$made" '.channels[0] | .queued == 0 and .in_flight == 0 and .since_start.receipts >= 3 * $n' "$dir/channels.json")" = true ]
}
for _ in $(seq 600); do
    settled && break
    sleep 0.1
done
settled || fail "not all messages were sent and read: $(cat "$dir/channels.json")"
flow_us=$(($(now_us) - began))
after=$(ticks "$pid")
sent=$(jq '.channels[0].since_start.sent' "$dir/channels.json")
flow=$(calc %.0f "$sent * 1e6 / $flow_us")
printf '%-34s %9s messages/s of %s, each with three receipts  CPU %s us a message\n' 'whole flow, simulator answering' \
    "$flow" "$sent" "$(calc %.1f "($after - $before) * 1e6 / $hz / $sent")"

echo
compare accept64_to_bare "$(calc %.2f "$(median hilo_rate) / $(median bare_rate)")"
compare accept64_to_log "$(calc %.3f "$(median hilo_rate) / $(median log_rate)")"
compare accept64_cpu_to_bare "$(calc %.1f "$(median hilo_cpu) / $(median bare_cpu)")"
compare accept1_p50_to_sync "$(calc %.2f "$(median one_p50) / $(median sync_p50)")"
compare flow_to_accept64 "$(calc %.3f "$flow / $(median hilo_rate)")"
