# What the benches share: servers in turn, the driver, samples, comparisons. Sourced by
# run.sh and scale.sh from the project's folder. README.md says what the lines mean.
# Environment: HILO_BUILD (where the binaries are), ROUNDS, SECONDS_EACH, CUSTOMERS, LARGE.
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
children() { # CPU ticks of this shell's children that have ended
    local stat
    read -r stat </proc/$$/stat
    set -- ${stat##*) }
    echo $((${14} + ${15}))
}
resident_kib() { # what a process has in memory beside the mapped store
    awk '/^[0-9a-f]+-[0-9a-f]+ / { store = /data\.mdb/ } /^Rss:/ && !store { n += $2 } END { print n }' "/proc/$1/smaps"
}

peer_start() { # name program...: a program that says port=N
    local name=$1
    shift
    $server "$@" >"$dir/$name.log" 2>&1 &
    pid=$!
    url=http://127.0.0.1:$(line_of "$dir/$name.log" port= | sed 's/.*port=//')
    key=hilo_bench
}
api() { # method path [json]
    curl -sS --fail-with-body --max-time 60 -X "$1" "$url$2" -H "Authorization: Bearer $key" \
        -H 'Content-Type: application/json' ${3:+-d "$3"} || fail "no answer to $1 $2"
}
# A gateway on the data folder $data (what is there stays), its only channel (WhatsApp) paused.
hilo_start() { # base_url in_flight
    rm -f "$dir/hilod.log"
    cat >"$dir/hilo.yaml" <<YAML
gateway:
  data_dir: $data
  plugin_dir: $bin/plugins
http:
  listen: 127.0.0.1:0
  connections_per_ip: 1000
log:
  level: info
channels:
  bench:
    type: whatsapp
    ${isolation:+isolation: $isolation}
    account: "102290129340398"
    queue_max: 100000000
    window: provider
    rate: 0
    pair_interval: 0s
    in_flight: $2
    phone_number_id: "106540352242922"
    waba_id: "102290129340398"
    token: sim-token
    app_secret: sim-app-secret
    verify_token: sim-verify
    base_url: $1
    ${channel_more:-}
YAML
    $server "$bin/hilod" -c "$dir/hilo.yaml" 2>"$dir/hilod.log" &
    pid=$!
    url=http://127.0.0.1:$(line_of "$dir/hilod.log" gateway.ready | sed 's/.*port=\([0-9]*\).*/\1/')
    line_of "$dir/hilod.log" 'state=up text="ready"' >/dev/null
    key=$(curl -sS --fail-with-body --max-time 10 --unix-socket "$data/control.sock" http://hilo/v1/keys \
        -H 'Content-Type: application/json' -d '{"name":"bench","scopes":["all"]}' | jq -r .key) || fail "no key was made"
    api POST /v1/channels/bench/pause >/dev/null
}
sim_start() {
    $generator "$bin/sim/hilo-sim-whatsapp" --port 0 --no-window --keep 1000 --connections 4 --batch 20 \
        >"$dir/sim.log" 2>&1 </dev/null &
    sim=$!
    sim_url=http://127.0.0.1:$(line_of "$dir/sim.log" 'ready port=' | sed 's/.*port=//')
}
# Drives $url with a script; sets rate p50 p99 cpu share made. Every answer must be 2xx.
drive() { # script connections seconds
    local before after began took out gen_before gen_after bad
    run=$((${run:-0} + 1))
    before=$(ticks "$pid")
    began=$(now_us)
    gen_before=$(children) # what the shell has waited for: wrk's CPU is the difference
    out=$($generator wrk -t1 -c"$2" -d"$3"s -s "tests/bench/$1.lua" "$url" -- "$key" "r$run" "$customers" "${pause_ms:-0}")
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
keep() { # name: what drive has set becomes samples
    sample "$1_rate" "$rate"; sample "$1_p50" "$p50"; sample "$1_p99" "$p99"; sample "$1_cpu" "$cpu"; sample "$1_gen" "$share"
}
show() { # label name
    printf '%-34s %9s requests/s (%s)  p50 %s us  p99 %s us  CPU %s us a request  wrk busy %s\n' "$1" "$(median "$2_rate")" \
        "$(spread "$2_rate")" "$(median "$2_p50")" "$(median "$2_p99")" "$(median "$2_cpu")" "$(median "$2_gen")"
}
log_run() { # records a batch
    log=$($server "$bin/tests/bench/bench_log" "$dir/log.bin" "$1" 700) || fail "the plain log failed"
}
compare() { # name ratio [at_least|at_most goal]
    local met=short
    if [ $# -lt 3 ]; then
        echo "bench $1: ratio $2 goal none"
        return
    fi
    if [ "$3" = at_least ]; then
        [ "$(calc %d "($2 >= $4)")" = 0 ] || met=met
    else
        [ "$(calc %d "($2 <= $4)")" = 0 ] || met=met
    fi
    echo "bench $1: ratio $2 goal $4 $met"
}
machine() {
    echo "machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p;' /proc/cpuinfo | head -n 1), Linux $(uname -r), $(stat -f -c %T "$dir"), load average $(cut -d' ' -f1 /proc/loadavg)"
    [ -n "$server" ] && echo "pinned: servers to core 0, wrk and the simulator to core 1" || echo "pinned: nothing"
}
