#!/bin/bash
# make bench-scale: what a year of use does to it. A store of 3 million messages of 1 million
# customers, 10 minutes of accepting on it, a restart with a journal that LMDB has not
# seen, and the price of process mode. README.md says what each line means.
# Environment besides lib.sh's: MESSAGES, MINUTES, UNAPPLIED_MB.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/lib.sh
customers=${CUSTOMERS:-1000000} messages=${MESSAGES:-3000000} minutes=${MINUTES:-10} unapplied=${UNAPPLIED_MB:-1000}
rm -rf "$dir"
mkdir -p "$dir/samples"
machine
echo "store: $messages messages of $customers customers; steps of 10 s for $minutes minutes"

metric() { # name: its value now, of all labels
    curl -sS --max-time 60 "$url/metrics" -H "Authorization: Bearer $key" | awk -v n="$1" '$1 ~ "^" n "({|$)" { s += $2 } END { printf "%.0f", s }'
}

# ---- the same load on an empty store, and on Node, which keeps none, before and after
around() {
    peer_start node node tests/bench/node_accept.mjs "$dir/node.bin" plain
    drive messages 64 2
    drive messages 64 10; keep node
    stop "$pid"; pid=
    rm -f "$dir/node.bin"
    data=$dir/data-empty
    rm -rf "$data"
    hilo_start http://127.0.0.1:9 1
    drive messages 64 2
    drive messages 64 10; keep empty
    stop "$pid"; pid=
    rm -rf "$data"
}
around
data=$dir/data
if [ -n "${FILLED:-}" ]; then
    cp -r --sparse=always "$FILLED/data-scale" "$data"
    echo "a copy of $FILLED/data-scale" >"$dir/fill.log"
else
    "$bin/tests/bench/bench_fill" "$data" "$customers" "$messages" >"$dir/fill.log" || fail "the store could not be filled"
fi
echo "filled: $(cat "$dir/fill.log"), journal $(du -sm "$data/journal" | cut -f1) MB, context $(du -sm "$data/context" | cut -f1) MB"
hilo_start http://127.0.0.1:9 1
before_kib=$(resident_kib "$pid")
accepted=0 most=0
for step in $(seq $((minutes * 6))); do
    drive messages 64 10; keep sustained
    accepted=$((accepted + made))
    waiting=$(metric hilo_store_pending_keys)
    [ "$waiting" -le "$most" ] || most=$waiting
    [ $((step % 6)) != 0 ] || printf '%3d min: %s requests/s  p99 %s us  pending %s keys  %s KiB resident beside the store\n' \
        $((step / 6)) "$rate" "$p99" "$waiting" "$(resident_kib "$pid")"
done
after_kib=$(resident_kib "$pid")
began=$(now_us)
until [ "$(metric hilo_store_pending_keys)" = 0 ]; do
    sleep 0.1
    [ $(($(now_us) - began)) -lt 120000000 ] || fail "pending is not empty after two minutes"
done
drained=$(calc %.1f "($(now_us) - $began) / 1e6")
stop "$pid"; pid=
around
show 'Node, group fdatasync, no store' node
show 'POST /v1/messages, empty store' empty
show 'POST /v1/messages, filled store' sustained
echo "accepted $accepted; pending at most $most keys, empty $drained s after the load; resident $before_kib KiB before, $after_kib KiB after"

# ---- a restart with so much journal that LMDB has not seen -------------------------
# A copy of LMDB is set aside, the journal grows, and the copy is put back: the start
# finds the journal that far ahead of it.
hilo_start http://127.0.0.1:9 1
stop "$pid"; pid=
cp --sparse=always "$data/context/data.mdb" "$dir/data.mdb"
hilo_start http://127.0.0.1:9 1
was=$(metric hilo_store_synced_bytes_total)
while [ $(($(metric hilo_store_synced_bytes_total) - was)) -lt $((unapplied * 1000000)) ]; do
    drive messages 64 5
done
grew=$(calc %.0f "($(metric hilo_store_synced_bytes_total) - $was) / 1e6")
stop "$pid"; pid=
mv "$dir/data.mdb" "$data/context/data.mdb"
began=$(now_us)
hilo_start http://127.0.0.1:9 1
ready=$(calc %.1f "($(now_us) - $began) / 1e6")
echo "restart with $grew MB of journal to apply: ready after $ready s"
stop "$pid"; pid=
rm -rf "$data"

# ---- process mode: the price of a worker, busy and at a tenth of that ---------------
flow() { # isolation: the whole flow, 3 s of accepting
    local mode=$1 per per_s
    isolation=$mode data=$dir/data customers=10000
    rm -rf "$data"
    sim_start
    hilo_start "$sim_url" 200
    curl -sS --max-time 10 "$sim_url/_sim/config" -d "{\"webhook_url\":\"$url/hooks/bench\"}" >/dev/null
    api POST /v1/channels/bench/resume >/dev/null
    for load in full tenth; do # as fast as it goes; a tenth of that
        local cpu_before
        pause_ms=0
        [ $load = full ] || pause_ms=$(calc %.0f "64 * 10 * 1000 / $per_s")
        began=$(now_us)
        cpu_before=$(family_ticks)
        drive messages 64 $([ $load = full ] && echo 3 || echo 6)
        for _ in $(seq 1200); do
            api GET /v1/channels >"$dir/channels.json"
            [ "$(jq '.channels[0] | .queued == 0 and .in_flight == 0' "$dir/channels.json")" = true ] && break
            sleep 0.1
        done
        per=$(calc %.1f "($(family_ticks) - $cpu_before) * 1e6 / $hz / $made")
        per_s=$(calc %.0f "$made * 1e6 / ($(now_us) - $began)")
        sample "flow_${mode}_$load" "$per_s"
        sample "flow_${mode}_${load}_p50" "$p50"
        sample "flow_${mode}_${load}_cpu" "$per"
    done
    pause_ms=0
    stop "$pid"; pid=
    stop "$sim"; sim=
}
family_ticks() { # of the gateway and its workers
    local n
    n=$(ticks "$pid")
    for child in $(pgrep -P "$pid" || :); do
        n=$((n + $(ticks "$child")))
    done
    echo "$n"
}
for _ in $(seq "$rounds"); do
    flow thread
    flow process
done
for mode in thread process; do
    for load in full tenth; do
        echo "whole flow, $mode, $load load: $(median flow_${mode}_$load) messages/s, accepted p50 $(median flow_${mode}_${load}_p50) us, CPU $(median flow_${mode}_${load}_cpu) us a message"
    done
done
echo
ratio() { calc %.2f "$(median "$1") / $(median "$2")"; }
compare sustained_to_empty "$(ratio sustained_rate empty_rate)" at_least 0.5
compare sustained_to_node "$(ratio sustained_rate node_rate)" at_least 1
compare sustained_p99_to_node "$(ratio sustained_p99 node_p99)" at_most 2
compare drained_seconds "$drained" at_most 60
compare resident_growth_mb "$(calc %.1f "($after_kib - $before_kib) / 1000")"
compare restart_seconds "$ready"
compare process_to_thread_full "$(ratio flow_process_full flow_thread_full)"
compare process_to_thread_full_cpu "$(ratio flow_process_full_cpu flow_thread_full_cpu)"
compare process_to_thread_tenth_cpu "$(ratio flow_process_tenth_cpu flow_thread_tenth_cpu)"
compare process_to_thread_tenth_p50 "$(ratio flow_process_tenth_p50 flow_thread_tenth_p50)"
