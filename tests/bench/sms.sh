#!/bin/bash
# make bench-sms: SMS out and in against Kannel, in turn, by the same SMSC, HTTP load and HTTP
# sink. README.md says what each line means.
# Environment besides lib.sh's: CONNECTIONS, PAUSE, MO (inbound messages a run, 0: none), PEERS (which of "kannel hilo sendsms"), PIN=no.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/lib.sh
. tests/bench/kannel.sh
connections=${CONNECTIONS:-16 64} pause=${PAUSE:-16} mo=${MO:-20000} peers=${PEERS:-kannel hilo sendsms}
[ "${PIN:-}" != no ] || server='' generator=''
pids='' smsc='' sink='' number=0
inbound_peers=${peers/sendsms/} # what comes in goes the same way
[ "$mo" -gt 0 ] || inbound_peers=''
trap 'stop_gateway; stop "$smsc"; stop "$sink"' EXIT
rm -rf "$dir"
mkdir -p "$dir/samples"
kannel_fetch
machine
echo "each: $rounds rounds in turn, $secs s, $customers customers; medians, and the spread of the rounds"

# ---- what all share ----------------------------------------------------------------
stop_gateway() {
    local one
    for one in $pids; do kill "$one" 2>/dev/null || :; done
    for one in $pids; do wait "$one" 2>/dev/null || :; done
    pids=''
}
all_ticks() { # CPU so far of all the gateway's processes
    local one sum=0
    for one in $pids; do sum=$((sum + $(ticks "$one"))); done
    echo $sum
}
peak_kib() { # the most that they ever had in memory, mapped files included
    local one sum=0
    for one in $pids; do sum=$((sum + $(awk '/^VmHWM:/ { print $2 }' "/proc/$one/status"))); done
    echo $sum
}
smsc_say() { # line: sets smsc_line to its answer
    exec 9<>"/dev/tcp/127.0.0.1/$smsc_control" || fail "the SMSC has ended"
    echo "$1" >&9
    [ "${1#mo }" != "$1" ] || read -r -t 10 smsc_line <&9 || fail "the SMSC said nothing to $1"
    exec 9>&-
}
sink_say() { # what: sets sink_line
    sink_line=$(curl -sS --max-time 10 "$sink_url/_$1") || fail "the sink does not answer"
}
reset_counts() { smsc_say reset; sink_say reset; }
latest() { echo $(($1 > $2 ? $1 : $2)); }
# Waits until the SMSC and the sink stand still, all that is owed having come.
drain() { # submits callbacks_each
    local before='' still=0 submits
    for _ in $(seq 3000); do
        smsc_say stats
        sink_say stats
        submits=$(field "$smsc_line" submits)
        if [ "$before" = "$smsc_line$sink_line" ]; then still=$((still + 1)); else still=0; fi
        before=$smsc_line$sink_line
        [ $still -lt 3 ] || [ "$submits" -lt "$1" ] || [ "$(field "$sink_line" n)" -lt $((submits * $2)) ] || return 0
        [ $still -lt 150 ] || break
        sleep 0.1
    done
    fail "$1 were accepted, but $(field "$smsc_line" submits) reached the SMSC and $(field "$sink_line" n) of $2 callbacks each came"
}
load() { # connections seconds pause_ms callbacks_each: out to the SMSC and all back
    local before began_us out submits
    reset_counts
    before=$(all_ticks)
    out=$($generator wrk -t1 -c"$1" -d"$2"s -s tests/bench/sms.lua "$url" -- "$key" run "$customers" "$3" "$kind" $number ${dlr_url:+"$dlr_url"})
    out=$(grep '^requests=' <<<"$out") || fail "wrk said nothing that can be used: $out"
    made=$(field "$out" requests)
    [ "$made" -gt 0 ] || fail "not one request was answered"
    [ "$(($(field "$out" bad) + $(field "$out" errors)))" = 0 ] || fail "answers were not 2xx, or did not come: $out"
    drain "$made" "$4"
    submits=$(field "$smsc_line" submits)
    number=$((number + submits + $1))
    [ "$submits" -le $((made + $1)) ] && [ "$(field "$smsc_line" unique)" = "$submits" ] ||
        fail "$made were accepted, and the SMSC got: $smsc_line"
    [ "$(field "$sink_line" n)" = $((submits * $4)) ] || fail "$submits messages, $4 callbacks each, and the sink got: $sink_line"
    began_us=$(field "$smsc_line" first_us)
    accept=$(calc %.0f "$made * 1e6 / $(field "$out" us)")
    submit=$(calc %.0f "$submits * 1e6 / ($(field "$smsc_line" last_us) - $began_us)")
    flow=$(calc %.0f "$submits * 1e6 / ($(latest "$(field "$smsc_line" last_us)" "$(field "$sink_line" last_us)") - $began_us)")
    cpu=$(calc %.1f "($(all_ticks) - $before) * 1e6 / $hz / $submits")
    p50=$(field "$smsc_line" p50) p99=$(field "$smsc_line" p99)
}
backlog() { # name: what the store has applied and not yet flushed, and until when; Kannel has no such thing
    local keys began
    began=$(now_us)
    keys=$(key=$api_key api GET /metrics | awk '$1 == "hilo_store_pending_keys" { print $2 }')
    sample "$1_pending" "$keys"
    while [ "$keys" != 0 ]; do
        [ $(($(now_us) - began)) -lt 60000000 ] || fail "$keys keys are still pending a minute after the load"
        sleep 0.1
        keys=$(key=$api_key api GET /metrics | awk '$1 == "hilo_store_pending_keys" { print $2 }')
    done
    sample "$1_empty" "$(calc %.1f "($(now_us) - $began) / 1e6")"
}
keep() { # name
    sample "$1_accept" "$accept"; sample "$1_submit" "$submit"; sample "$1_flow" "$flow"
    sample "$1_cpu" "$cpu"; sample "$1_p50" "$p50"; sample "$1_p99" "$p99"
}
show() { # label name
    printf '%-44s %7s accepted/s  submit_sm %7s/s  whole flow %7s/s (%s)  CPU %6s us a message  p50 %s us  p99 %s us\n' "$1" \
        "$(median "$2_accept")" "$(median "$2_submit")" "$(median "$2_flow")" "$(spread "$2_flow")" "$(median "$2_cpu")" \
        "$(median "$2_p50")" "$(median "$2_p99")"
}
inbound() { # name window: MO messages, each acknowledged and called back
    local before began
    reset_counts
    before=$(all_ticks)
    smsc_say "mo $mo $2"
    for _ in $(seq 1200); do
        smsc_say stats
        sink_say stats
        [ "$(field "$smsc_line" mo_acked)" -lt "$mo" ] || [ "$(field "$sink_line" n)" -lt "$mo" ] || break
        sleep 0.05
    done
    [ "$(field "$smsc_line" mo_acked)" = "$mo" ] && [ "$(field "$sink_line" n)" = "$mo" ] ||
        fail "of $mo inbound messages $(field "$smsc_line" mo_acked) were acknowledged, $(field "$sink_line" n) called back"
    began=$(field "$smsc_line" mo_first_us)
    sample "$1_ack" "$(calc %.0f "$mo * 1e6 / ($(field "$smsc_line" mo_last_us) - $began)")"
    sample "$1_flow" "$(calc %.0f "$mo * 1e6 / ($(latest "$(field "$smsc_line" mo_last_us)" "$(field "$sink_line" last_us)") - $began)")"
    sample "$1_cpu" "$(calc %.1f "($(all_ticks) - $before) * 1e6 / $hz / $mo")"
    sample "$1_p50" "$(field "$smsc_line" mo_p50)"; sample "$1_p99" "$(field "$smsc_line" mo_p99)"
}
show_inbound() { # label name
    printf '%-44s acknowledged %7s/s  called back %7s/s (%s)  CPU %6s us a message  deliver_sm_resp p50 %s us  p99 %s us\n' \
        "$1" "$(median "$2_ack")" "$(median "$2_flow")" "$(spread "$2_flow")" "$(median "$2_cpu")" "$(median "$2_p50")" "$(median "$2_p99")"
}

# ---- the SMSC and the sink, and how fast they are by themselves ------------------------
$generator "$bin/tests/bench/bench_smsc" >"$dir/smsc.log" 2>&1 &
smsc=$!
smsc_port=$(line_of "$dir/smsc.log" control=)
smsc_control=${smsc_port#*control=} smsc_port=${smsc_port#port=}
smsc_port=${smsc_port%% *}
$generator "$bin/tests/bench/bench_http_sink" >"$dir/sink.log" 2>&1 &
sink=$!
sink_url=http://127.0.0.1:$(line_of "$dir/sink.log" port= | sed 's/.*port=//')
for round in $(seq "$rounds"); do
    for receipts in 0 1; do
        out=$($server "$bin/tests/bench/bench_esme" "$smsc_port" 300000 100 $receipts) || fail "the SMSC did not answer"
        sample smsc$receipts "$(field "$out" rate)"
    done
done

# A gateway with an SMPP channel, empty.
sms_start() { # receipts(no|yes)
    local data=$dir/data
    rm -rf "$data"
    rm -f "$dir/hilod.log"
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
    type: sms
    provider: smpp
    host: 127.0.0.1
    port: $smsc_port
    system_id: bench
    password: bench
    window_size: 100
    sender: Tienda
    receipts: $([ "$1" = yes ] && echo final || echo none)
    queue_max: 100000000
routes:
  - channel: bench
kannel:
  - username: bench
    password: bench
YAML
    $server "$bin/hilod" -c "$dir/hilo.yaml" --ready-fd 3 3>"$dir/ready" 2>"$dir/hilod.log" &
    pids=$!
    url=http://127.0.0.1:$(line_of "$dir/ready" port= | sed 's/.*port=//')
    api_key=$(curl -sS --fail-with-body --max-time 10 --unix-socket "$data/control.sock" http://hilo/v1/keys \
        -H 'Content-Type: application/json' -d '{"name":"bench","scopes":["all"]}' | jq -r .key) || fail "no key was made"
    key=$api_key
    for _ in $(seq 300); do
        [ "$(api GET /v1/channels | jq -r '.channels[0].state')" != up ] || return 0
        sleep 0.1
    done
    fail "the channel did not come up: $(api GET /v1/channels)"
}
webhook() { # types
    key=$api_key api POST /v1/webhooks "{\"url\":\"$sink_url/hook\",\"types\":[$1]}" >/dev/null
}

# ---- the gateways, in turn ---------------------------------------------------------------
gateway_start() { # peer receipts(no|yes)|inbound: sets url key pids kind dlr_url
    kind=sendsms dlr_url=
    [ "$2" != yes ] || dlr_url="$sink_url/dlr?d=%d&id=%i"
    case $1 in
    kannel) kannel_start "$sink_url/mo?from=%p&to=%P&text=%a" ;;
    hilo | sendsms)
        sms_start "$2"
        if [ "$1" = sendsms ]; then
            key=bench
        else
            kind=api dlr_url=
        fi
        case $1$2 in
        hiloyes) webhook '"message.status"' ;;
        *inbound) webhook '"message.received"' ;;
        esac
        ;;
    *) fail "PEERS: kannel, hilo or sendsms, and not $1" ;;
    esac
}
for round in $(seq "$rounds"); do
    for peer in $peers; do
        for receipts in no yes; do
            echo "round $round of $rounds: $peer, receipts: $receipts" >&2
            each=0
            [ $receipts = no ] || each=2
            gateway_start "$peer" $receipts
            load 16 1 0 $each # every customer is known from here on
            for n in $connections; do
                load "$n" "$secs" 0 $each; keep "${peer}_$receipts$n"
                [ "$peer" = kannel ] || backlog "${peer}_$receipts"
            done
            load 16 "$secs" "$pause" $each; keep "${peer}_${receipts}_paced"
            sample "${peer}_${receipts}_peak" "$(peak_kib)"
            stop_gateway
        done
        case $inbound_peers in *$peer*) ;; *) continue ;; esac
        gateway_start "$peer" inbound
        mo=$((mo / 10)) inbound warm 10 # the customers are known, the caches warm
        for window in 10 100; do
            echo "round $round of $rounds: $peer, inbound, window $window" >&2
            inbound "${peer}_mo$window" $window
        done
        sample "${peer}_mo_peak" "$(peak_kib)"
        stop_gateway
    done
done

echo
echo "the SMSC by itself, window 100: $(median smsc0)/s without receipts, $(median smsc1)/s with them"
declare -A label=([kannel]='Kannel, file store, never synced' [hilo]='Hilo, POST /v1/messages, webhooks' [sendsms]='Hilo, sendsms and dlr-url')
declare -A what=([no]='' [yes]=', receipts')
for receipts in no yes; do
    for n in $connections _paced; do
        for peer in $peers; do
            show "${label[$peer]}${what[$receipts]}, ${n/_paced/paced}" "${peer}_$receipts$n"
        done
    done
    for peer in $peers; do
        echo "${label[$peer]}${what[$receipts]}: at most $(median "${peer}_${receipts}_peak") KiB resident"
        [ "$peer" = kannel ] ||
            echo "${label[$peer]}${what[$receipts]}: $(median "${peer}_${receipts}_pending") keys pending once all had come, none $(median "${peer}_${receipts}_empty") s later"
    done
done
for window in 10 100; do
    for peer in $inbound_peers; do
        show_inbound "${label[$peer]}, MO, window $window" "${peer}_mo$window"
    done
done
for peer in $inbound_peers; do
    echo "${label[$peer]}, MO: at most $(median "${peer}_mo_peak") KiB resident"
done

echo
ratio() { calc %.2f "$(median "$1") / $(median "$2")"; }
for peer in $peers; do
    for receipts in no yes; do
        for n in $connections; do
            [ $receipts = yes ] || compare "smsc_to_$peer$n" "$(calc %.1f "$(median smsc0) / $(median "${peer}_no${n}_submit")")" at_least 10
            [ $receipts = no ] || compare "smsc_receipts_to_$peer$n" "$(calc %.1f "$(median smsc1) / $(median "${peer}_yes${n}_submit")")" at_least 10
        done
    done
    [ "$peer" != kannel ] || continue
    case $peers in *kannel*) ;; *) continue ;; esac
    for n in $connections; do
        compare "${peer}_plain_flow$n" "$(ratio "${peer}_no${n}_flow" "kannel_no${n}_flow")" at_least 1.5
        compare "${peer}_plain_accept$n" "$(ratio "${peer}_no${n}_accept" "kannel_no${n}_accept")"
        compare "${peer}_plain_cpu$n" "$(ratio "${peer}_no${n}_cpu" "kannel_no${n}_cpu")"
        compare "${peer}_receipts_flow$n" "$(ratio "${peer}_yes${n}_flow" "kannel_yes${n}_flow")" at_least 3
        compare "${peer}_receipts_submit$n" "$(ratio "${peer}_yes${n}_submit" "kannel_yes${n}_submit")" at_least 3
        compare "${peer}_receipts_accept$n" "$(ratio "${peer}_yes${n}_accept" "kannel_yes${n}_accept")"
        compare "${peer}_receipts_cpu$n" "$(ratio "${peer}_yes${n}_cpu" "kannel_yes${n}_cpu")" at_most 0.2
    done
    for receipts in no yes; do
        compare "${peer}_${receipts/yes/receipts}_paced_p50" "$(ratio "${peer}_${receipts}_paced_p50" "kannel_${receipts}_paced_p50")"
        compare "${peer}_${receipts/yes/receipts}_paced_p99" "$(ratio "${peer}_${receipts}_paced_p99" "kannel_${receipts}_paced_p99")"
        compare "${peer}_${receipts/yes/receipts}_peak" "$(ratio "${peer}_${receipts}_peak" "kannel_${receipts}_peak")"
    done
    case $inbound_peers in *$peer*) ;; *) continue ;; esac
    for window in 10 100; do
        compare "${peer}_inbound$window" "$(ratio "${peer}_mo${window}_flow" "kannel_mo${window}_flow")" at_least 3
        compare "${peer}_inbound_cpu$window" "$(ratio "${peer}_mo${window}_cpu" "kannel_mo${window}_cpu")"
    done
done
