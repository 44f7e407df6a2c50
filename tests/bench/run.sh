#!/bin/bash
# make bench: speed as ratios within one run. README.md says what each line means.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/lib.sh
large=${LARGE:-10000000}
rm -rf "$dir"
mkdir -p "$dir/samples"
machine
echo "each: $rounds rounds in turn, $secs s, $customers customers; medians, and the spread of the rounds"

# ---- accepting -------------------------------------------------------------------
for round in $(seq "$rounds"); do
    echo "accept: round $round of $rounds" >&2
    peer_start floor "$bin/tests/bench/bench_floor"
    drive messages 64 "$secs"; keep floor
    stop "$pid"; pid=
    peer_start bare "$bin/tests/bench/bench_bare"
    drive messages 64 "$secs"; keep bare
    stop "$pid"; pid=
    peer_start node node tests/bench/node_accept.mjs "$dir/node.bin" plain
    drive messages 64 1 # its compiler warms up
    for n in 1 16 64 256; do
        drive messages $n "$secs"; keep node$n
    done
    stop "$pid"; pid=
    peer_start node node tests/bench/node_accept.mjs "$dir/node.bin" checked hilo_bench
    drive messages 64 1
    drive messages 64 "$secs"; keep checked
    stop "$pid"; pid=
    rm -f "$dir/node.bin"
    log_run 64
    sample log_rate "$(field "$log" rate)"; sample log_p50 "$(field "$log" p50_us)"; sample log_cpu "$(field "$log" cpu_us)"
    data=$dir/data
    rm -rf "$data"
    hilo_start http://127.0.0.1:9 1
    sleep 1 # what a start does is done; nothing answers sooner for it
    sample idle_kib "$(resident_kib "$pid")"
    drive messages 64 1 # every customer is known from here on
    queued=$made
    log_run 1
    sample sync_p50 "$(field "$log" p50_us)"
    for n in 1 16 64 256; do
        drive messages $n "$secs"; keep hilo$n
        queued=$((queued + made))
    done
    log_run 1
    sample sync_p50 "$(field "$log" p50_us)"
    # The gateway's own count: what was answered is queued; what wrk cut off at its ends may be.
    in_queue=$(api GET /v1/channels | jq '.channels[0].queued')
    [ "$in_queue" -ge "$queued" ] && [ "$in_queue" -le $((queued + 1000)) ] ||
        fail "$queued messages were answered with 202, $in_queue are queued"
    stop "$pid"; pid=
done
echo
show 'floor: epoll, static 202, 64 conn.' floor
show 'bare libmicrohttpd, 64 conn.' bare
printf '%-34s %9s records/s  (%s)  p50 %s us a batch of 64  CPU %s us a record\n' 'plain log, one sync per 64' \
    "$(median log_rate)" "$(spread log_rate)" "$(median log_p50)" "$(median log_cpu)"
for n in 1 16 64 256; do
    show "Node, group fdatasync, $n conn." node$n
    show "POST /v1/messages, $n conn." hilo$n
done
show 'Node with key and JSON, 64 conn.' checked
echo "one sync: $(median sync_p50) us; idle: $(median idle_kib) KiB resident beside the mapped store"

# ---- inbound webhooks ------------------------------------------------------------
for round in $(seq "$rounds"); do
    echo "webhooks: round $round of $rounds" >&2
    peer_start floor "$bin/tests/bench/bench_floor" '200 OK' ''
    drive webhooks 64 "$secs"; keep hookfloor
    stop "$pid"; pid=
    rm -rf "$data"
    hilo_start http://127.0.0.1:9 1
    drive webhooks 64 1
    before=$made
    drive webhooks 64 "$secs"; keep hook
    taken=$(api GET /v1/channels | jq '.channels[0].since_start.received')
    [ "$taken" -ge $((before + made)) ] || fail "$((before + made)) webhooks were answered with 200, $taken messages were taken"
    stop "$pid"; pid=
done
echo
show 'floor, the same webhooks, 64 conn.' hookfloor
show 'inbound WhatsApp webhooks, 64 conn.' hook

# ---- finding a customer ----------------------------------------------------------
search() { # name customers
    local name=$1
    customers=$2 data=${FILLED:-$dir}/data-$1
    [ -d "$data" ] || "$bin/tests/bench/bench_fill" "$data" "$2" 0 >"$dir/fill.log" || fail "the store could not be filled"
    # Cold: nothing of the store is in the page cache when the gateway starts.
    find "$data" -type f -exec dd of={} oflag=nocache conv=notrunc,fdatasync count=0 status=none \;
    read=$($server "$bin/tests/bench/bench_read" "$data/context/data.mdb" 2000) || fail "the disk could not be read"
    sample "$name"read_p50 "$(field "$read" p50_us)"; sample "$name"read_p99 "$(field "$read" p99_us)"
    hilo_start http://127.0.0.1:9 1
    drive search 1 1
    sample "$name"cold_p50 "$p50"; sample "$name"cold_p99 "$p99"
    cat "$data/context/data.mdb" >/dev/null # warm from here on
    drive search 64 1
    drive search 64 "$secs"; keep "$name"
    stop "$pid"; pid=
}
for round in $(seq "$rounds"); do
    echo "search: round $round of $rounds" >&2
    customers=1000000
    peer_start floor "$bin/tests/bench/bench_floor" '200 OK' '{"customer":{"id":"cus_01KAW0000000000000000000AA","name":"Ana Maria Restrepo","language":"es","identifiers":[{"scheme":"phone","value":"+573000000000"}]}}'
    drive search 64 "$secs"; keep searchfloor
    stop "$pid"; pid=
    search small 1000000
    [ "$large" -le 1000000 ] || search large "$large"
done
echo
show 'floor, the same searches, 64 conn.' searchfloor
show 'customers/search, 1 million' small
[ "$large" -le 1000000 ] || show "customers/search, $large" large
[ -n "${FILLED:-}" ] || rm -rf "$dir"/data-*

# ---- the whole flow: accepted, sent to the simulator, and its receipts taken ------
customers=${CUSTOMERS:-10000} data=$dir/data
rm -rf "$data"
sim_start
hilo_start "$sim_url" 200
curl -sS --max-time 10 "$sim_url/_sim/config" -d "{\"webhook_url\":\"$url/hooks/bench\"}" >/dev/null || fail "the simulator did not answer"
api POST /v1/channels/bench/resume >/dev/null
began=$(now_us) before=$(ticks "$pid")
drive messages 64 1
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
ratio() { calc %.2f "$(median "$1") / $(median "$2")"; }
compare accept64_to_floor "$(ratio hilo64_rate floor_rate)"
compare accept64_to_log "$(calc %.3f "$(median hilo64_rate) / $(median log_rate)")"
compare accept64_to_bare "$(ratio hilo64_rate bare_rate)" at_least 0.4
for n in 1 16 256; do
    compare accept${n}_to_node "$(ratio hilo${n}_rate node${n}_rate)"
done
compare accept64_to_node_checked "$(ratio hilo64_rate checked_rate)"
compare accept64_to_node "$(ratio hilo64_rate node64_rate)" at_least 1.5
compare accept64_cpu_to_node "$(ratio hilo64_cpu node64_cpu)" at_most 0.65
compare accept1_p50_to_sync "$(ratio hilo1_p50 sync_p50)" at_most 1.6
compare webhook64_to_floor "$(ratio hook_rate hookfloor_rate)" at_least 0.3
compare search1m_to_floor "$(ratio small_rate searchfloor_rate)" at_least 0.5
[ "$large" -le 1000000 ] || compare search10m_to_1m "$(ratio large_rate small_rate)" at_least 0.8
echo "cold: one page from the disk p50 $(median smallread_p50) us, p99 $(median smallread_p99) us; a search p50 $(median smallcold_p50) us, p99 $(median smallcold_p99) us"
compare search1m_cold_p99_to_read "$(ratio smallcold_p99 smallread_p99)"
compare search1m_cold_p99_ms "$(calc %.2f "$(median smallcold_p99) / 1000")" at_most 1
[ "$large" -le 1000000 ] || compare search10m_cold_p99_ms "$(calc %.2f "$(median largecold_p99) / 1000")" at_most 1
compare idle_resident_mb "$(calc %.1f "$(median idle_kib) / 1000")" at_most 20
compare flow_to_accept64 "$(calc %.3f "$flow / $(median hilo64_rate)")"
