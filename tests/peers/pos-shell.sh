#!/bin/bash
# A till that is a shell: openssl makes the key, the request and the connection, jq reads the answers, and
# ajv (pos-frames.mjs) judges each of them.
#
#   bash pos-shell.sh BUILD      (the folder with hilod, hilo and plugins)
set -euo pipefail
bin=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/hilo-shell-XXXXXX")
gate=''
finish() {
    [ -z "$gate" ] || { kill "$gate" 2>/dev/null && wait "$gate" 2>/dev/null; } || :
    rm -rf "$dir"
}
trap finish EXIT
fail() {
    echo "not ok  $*" >&2
    tail -n 5 "$dir/hilod.log" "$dir/till.err" >&2 2>/dev/null || :
    exit 1
}
ok() { printf 'ok      %s\n' "$*"; }
log_has() { # words: waits for a line of the gateway's log
    for _ in $(seq 300); do
        grep -q -- "$1" "$dir/hilod.log" && return
        sleep 0.1
    done
    fail "the gateway's log never said $1"
}

# A port that is free: one that the kernel gives to the gateway's HTTP is not ours to ask for, so try.
for _ in $(seq 20); do
    port=$((25000 + RANDOM % 7000))
    cat >"$dir/hilo.yaml" <<YAML
gateway:
  data_dir: $dir/data
  plugin_dir: $bin/plugins
store:
  segment_size: 16M
  map_size: 1G
http:
  listen: 127.0.0.1:0
channels:
  pos:
    type: pos
    listen: 127.0.0.1:$port
    names: 127.0.0.1
    country: CO
YAML
    "$bin/hilod" -c "$dir/hilo.yaml" 2>"$dir/hilod.log" &
    gate=$!
    log_has 'channel.state channel=pos state='
    for _ in $(seq 300); do
        grep -q 'channel.state channel=pos .*\(listening\|can.t be opened\)' "$dir/hilod.log" && break
        sleep 0.1
    done
    grep -q 'text="listening"' "$dir/hilod.log" && break
    kill "$gate" && wait "$gate" || :
    rm -rf "$dir/data"
done
grep -q 'text="listening"' "$dir/hilod.log" || fail "no port for terminals"
export HILO_CONTROL="$dir/data/control.sock"

# ---- enrolment ----
code=$("$bin/hilo" pos enroll --store CENTRO --terminal 3 --json | jq -r .code)
openssl ecparam -name prime256v1 -genkey -noout -out "$dir/till.key"
openssl req -new -key "$dir/till.key" -subj /CN=till -out "$dir/till.csr"
jq -nc --arg code "$code" --rawfile csr "$dir/till.csr" \
    '{jsonrpc:"2.0",id:"enroll-1",method:"enroll",params:{code:$code,csr:$csr}}' >"$dir/enroll"
touch "$dir/enrolled"
{
    cat "$dir/enroll"
    for _ in $(seq 300); do [ -s "$dir/enrolled" ] && break; sleep 0.1; done
} | openssl s_client -quiet -alpn hilo-enroll/1 -connect "127.0.0.1:$port" 2>"$dir/till.err" | head -n 1 >"$dir/enrolled" || :
[ -s "$dir/enrolled" ] || fail "no answer to enroll"
jq -er .result.certificate "$dir/enrolled" >"$dir/till.pem" || fail "not enrolled: $(cat "$dir/enrolled")"
jq -er .result.ca "$dir/enrolled" >"$dir/ca.pem"
openssl verify -CAfile "$dir/ca.pem" -purpose sslclient "$dir/till.pem" >/dev/null || fail "the certificate is not the CA's"
openssl x509 -in "$dir/till.pem" -noout -ext subjectAltName | grep -q 'URI:urn:hilo:pos:CENTRO:3' || fail "not for CENTRO/3"
{ printf 'enroll '; cat "$dir/enrolled"; } >"$dir/frames"
ok "openssl verifies the certificate that came for CENTRO/3"

# ---- the raw framing ----
coproc TILL { exec openssl s_client -quiet -tls1_3 -alpn hilo-pos/1 -connect "127.0.0.1:$port" -CAfile "$dir/ca.pem" \
    -verify_return_error -verify_ip 127.0.0.1 -cert "$dir/till.pem" -key "$dir/till.key" 2>"$dir/till.err"; }
till=$TILL_PID # bash forgets all three when it ends
exec {from}<&"${TILL[0]}" {to}>&"${TILL[1]}"
n=0 answer=''
ask() { # method params: sends it, waits for its answer; pushes that come before it are answered
    local id line
    id=shell-$((n += 1))
    printf '{"jsonrpc":"2.0","id":"%s","method":"%s","params":%s}\n' "$id" "$1" "$2" >&"$to"
    while :; do
        IFS= read -r -t 30 line <&"$from" || fail "no answer to $1"
        printf '%s %s\n' "$1" "$line" >>"$dir/frames"
        if [ "$(jq -r '.method // empty' <<<"$line")" ]; then
            printf '{"jsonrpc":"2.0","id":%s,"result":{}}\n' "$(jq -c .id <<<"$line")" >&"$to"
        else
            [ "$(jq -r .id <<<"$line")" = "$id" ] || fail "an answer to another request: $line"
            answer=$line
            return
        fi
    done
}
is() { [ "$(jq -r "$1" <<<"$answer")" = "$2" ] || fail "$1 is not $2: $answer"; } # path value

ask hello '{"protocol":1,"software":"shell"}'
is .result.store CENTRO
is .result.role clerk
ok "s_client says hello"
ask customer.upsert '{"name":"Ana Gómez","identifiers":[{"scheme":"document","document":{"type":"CC","number":"1.020.304.050"}}],"clerk":"ana"}'
customer=$(jq -er .result.customer <<<"$answer") || fail "$answer"
ask customer.find '{"by":{"document":{"type":"CC","number":"1020304050"}},"reason":"claim","clerk":"ana"}'
is .result.customer.id "$customer"
is .result.customer.name 'Ana Gómez'
ok "finds Ana by her ID"
ask case.open "{\"customer\":\"$customer\",\"subject\":\"Televisor averiado\",\"clerk\":\"ana\"}"
case=$(jq -er .result.case <<<"$answer") || fail "$answer"
ask case.note "{\"case\":\"$case\",\"text\":\"Trae la factura\",\"clerk\":\"ana\",\"at\":\"$(date -u -d '-1 hour' +%FT%TZ)\"}"
jq -e .result.note <<<"$answer" >/dev/null || fail "$answer"
ok "opens a case and writes a note that waited an hour"
ask slip.render "{\"kind\":\"case\",\"id\":\"$case\",\"customer\":\"$customer\",\"format\":\"text\"}"
jq -r .result.data <<<"$answer" | base64 -d | grep -q . || fail "$answer"
ask case.note "{\"case\":\"$case\",\"text\":\"4111 1111 1111 1111\"}"
is .error.code -32004
ask nothing.of.this '{}'
is .error.code -32601
ok "is told what is wrong, and goes on"
"$bin/hilo" pos revoke CENTRO 3 >/dev/null || fail "not revoked"
IFS= read -r -t 30 line <&"$from" || fail "nothing came when it was revoked"
printf 'push %s\n' "$line" >>"$dir/frames"
[ "$(jq -r .method <<<"$line")" = revoked ] || fail "not revoked: $line"
wait "$till" || :
ok "is told that it is revoked, and that is the end"
node "$here/pos-frames.mjs" <"$dir/frames"
