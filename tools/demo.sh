#!/bin/sh
# make demo: the story of the television. Ana phones by baresip, a SIP telephone, over real SIP and RTP on the loopback; the rest is real HTTP, against
# a simulator of Meta's side of WhatsApp, and a counter with a till that a script types at. Prints what happens, then leaves the gateway up until Ctrl-C.
# HILO_DEMO_STAY=no ends it instead, HILO_DEMO_RUN=script runs that in place of the story,
# with URL and KEY set (tests). HILO_BUILD: where the binaries are.
set -eu
cd "$(dirname "$0")/.."
bin=$PWD/$HILO_BUILD
dir=$PWD/build/demo
stay=${HILO_DEMO_STAY:-yes}
gate= sim= till= phone=

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') dim=$(printf '\033[2m') green=$(printf '\033[32m') off=$(printf '\033[0m')
else
    bold='' dim='' green='' off=''
fi
finish() {
    trap - EXIT INT TERM
    [ -z "$phone" ] || { kill "$phone" 2>/dev/null && wait "$phone" 2>/dev/null; } || :
    [ -z "$till" ] || { kill "$till" 2>/dev/null && wait "$till" 2>/dev/null; } || :
    [ -z "$gate" ] || { kill "$gate" 2>/dev/null && wait "$gate" 2>/dev/null; } || :
    [ -z "$sim" ] || { kill "$sim" 2>/dev/null && wait "$sim" 2>/dev/null; } || :
}
trap finish EXIT
trap 'finish; exit 0' INT TERM
fail() {
    echo "The demo stopped: $1" >&2
    echo "The gateway's log is $dir/hilod.log, the simulator's $dir/sim.log" >&2
    tail -n 5 "$dir/hilod.log" >&2 || :
    exit 1
}
step() { printf '\n%s%s%s\n' "$bold" "$1" "$off"; }

# Waits until a file holds a line with a word; it is in $line then.
line_of() { # file word
    tries=0
    until line=$(grep -m 1 -- "$2" "$1" 2>/dev/null); do
        tries=$((tries + 1))
        for p in $sim $gate $till $phone; do kill -0 "$p" 2>/dev/null || fail "a program ended that should run"; done
        [ $tries -le 300 ] || fail "nothing said \"$2\" in 30 seconds"
        sleep 0.1
    done
}
# A request to the gateway; its JSON is in $out. Any answer but 2xx ends the demo.
api() { # method path [json]
    out=$(curl -sS --max-time 30 -w '\n%{http_code}' -X "$1" "$url$2" -H "Authorization: Bearer $key" \
        -H 'Content-Type: application/json' ${3:+-d "$3"}) || fail "no answer to $1 $2"
    code=$(printf '%s\n' "$out" | tail -n 1)
    out=$(printf '%s\n' "$out" | sed '$d')
    case $code in 2*) ;; *) fail "$1 $2 was answered $code: $out" ;; esac
}
# What jq finds in $out.
found() { printf '%s' "$out" | jq -r "$1"; }
show() { printf '%s  %s %s%s\n' "$dim" "$1" "$2" "$off"; }
simulator() { # path json
    curl -sS --max-time 60 "$sim_url$1" -d "$2" >"$dir/sim.json" || fail "the simulator did not answer"
}
# Waits until a message has a status, by its history: the gateway's own events in its log.
reaches() { # id status
    line_of "$dir/hilod.log" "$1 .*status=$2"
    printf '%s  %s is %s%s\n' "$green" "$1" "$2" "$off"
}

rm -rf "$dir"
mkdir -p "$dir"
base64 -d >"$dir/television.jpg" <<'JPG'
/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z
JPG

step 'A simulator of Meta, and the gateway'
"$bin/sim/hilo-sim-whatsapp" --port 0 --phone-number-id 106540352242922 --waba-id 102290129340398 \
    >"$dir/sim.log" 2>&1 &
sim=$!
line_of "$dir/sim.log" 'ready port='
sim_url=http://127.0.0.1:${line##*port=}
pos_port=${HILO_DEMO_POS_PORT:-$((25000 + $$ % 7000))}
sip_port=$((10000 + $$ % 5000)) phone_port=$((15000 + $$ % 5000)) keys_port=$((20000 + $$ % 5000))
cat >"$dir/hilo.yaml" <<YAML
gateway:
  name: Tienda de Ana
  language: es
  data_dir: $dir/data
  plugin_dir: $bin/plugins
store:
  segment_size: 16M
  map_size: 1G
http:
  listen: 127.0.0.1:${HILO_DEMO_PORT:-0}
log:
  level: debug
channels:
  whatsapp-co:
    type: whatsapp
    account: "102290129340398"
    phone_number_id: "106540352242922"
    waba_id: "102290129340398"
    token: sim-token
    app_secret: sim-app-secret
    verify_token: sim-verify
    base_url: $sim_url
  tiendas:
    type: pos
    listen: 127.0.0.1:$pos_port
    names: 127.0.0.1
    country: CO
  linea:
    type: voice
    udp: 127.0.0.1:$sip_port
    rtp: 127.0.0.1
    trunk: 127.0.0.1
    keep_alive: 0s
    business: la tienda de Ana
    time_zone: America/Bogota
    menu:
      start: who
      who: {do: identify, found: main, unknown: main}
      main:
        do: keys
        say: {es: "Hola, {name}. Gracias por llamar a {business}.", en: "Hello, {name}. Thank you for calling {business}."}
        keys: {1: {to: case, label: {es: contarnos un problema, en: telling us about a problem}, choice: problem}}
        no_key: bye
      case: {do: case, subject: Televisor averiado, next: record}
      record: {do: record, next: bye, review: false}
      bye: {do: hangup}
routes:
  - scheme: phone
    channel: whatsapp-co
YAML
"$bin/hilod" -c "$dir/hilo.yaml" 2>"$dir/hilod.log" &
gate=$!
line_of "$dir/hilod.log" gateway.ready
port=${line##*port=}
url=http://127.0.0.1:${port%% *}
line_of "$dir/hilod.log" 'state=up text="ready"'
line_of "$dir/hilod.log" 'channel=tiendas state=up text="listening"'
line_of "$dir/hilod.log" 'channel=linea state=up'
export HILO_CONTROL="$dir/data/control.sock"
key=$("$bin/hilo" key create --name demo --scopes all --json | jq -r .key)
simulator /_sim/config "{\"webhook_url\":\"$url/hooks/whatsapp-co\",\"templates\":[{\"name\":\"pedir_foto\",\"language\":\"es\",\"body_parameters\":1}]}"
simulator /_sim/verify '{"verify_token":"sim-verify"}'
grep -q '"verified":true' "$dir/sim.json" || fail "Meta's handshake was not answered: $(cat "$dir/sim.json")"
show gateway "$url, simulator $sim_url, webhook verified"

if [ -n "${HILO_DEMO_RUN:-}" ]; then
    export URL="$url" KEY="$key"
    sh "$HILO_DEMO_RUN" || fail "$HILO_DEMO_RUN ended with an error"
    exit 0
fi

step '1. Ana phones: her television is broken. The line knows her, she presses 1 and tells it'
api POST /v1/customers '{"name":"Ana Gómez","language":"es","identifiers":[{"scheme":"phone","value":"+573001112233"},{"scheme":"document","value":"CO:CC:1020304050"}]}'
customer=$(found .id)
mkdir "$dir/phone"
# baresip hangs up when a WAV ends, so each is five minutes: what it holds (WAV, as tools/demo/televisor.wav is), then silence.
five_minutes() { # bytes of the sound
    printf 'RIFF\044\076\111\000'
    tail -c +9 tools/demo/televisor.wav | head -c 32
    printf '\000\076\111\000'
    tail -c +45 tools/demo/televisor.wav | head -c "$1"
    head -c $((4800000 - $1)) /dev/zero
}
five_minutes 0 >"$dir/phone/silence.wav"
five_minutes $(($(wc -c <tools/demo/televisor.wav) - 44)) >"$dir/phone/problem.wav"
cat >"$dir/phone/config" <<CONF
poll_method epoll
net_interface 127.0.0.1
sip_listen 127.0.0.1:$phone_port
audio_path $dir/phone
audio_player aubridge,nobody
audio_source aufile,$dir/phone/silence.wav
audio_alert aubridge,nobody
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
snd_path $dir/phone
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:$keys_port
CONF
echo "<sip:+573001112233@127.0.0.1>;regint=0;audio_codecs=PCMA" >"$dir/phone/accounts"
: >"$dir/phone/contacts"
baresip -f "$dir/phone" >"$dir/phone.log" 2>&1 </dev/null &
phone=$!
line_of "$dir/phone.log" 'baresip is ready'
# A command to the telephone, as a netstring.
telephone() { # command params
    text="{\"command\":\"$1\",\"params\":\"$2\"}"
    bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; printf "%d:%s," "${#2}" "$2" >&3; read -r -t 1 -d "}" <&3 || :' - "$keys_port" "$text" ||
        fail 'the telephone does not answer'
}
# Waits until the telephone's recording at the gateway holds so many bytes.
recorded() { # bytes
    tries=0
    until [ "$(cat "$dir"/data/files/linea/rec-* 2>/dev/null | wc -c)" -ge "$1" ]; do
        tries=$((tries + 1))
        [ $tries -le 300 ] || fail 'nothing was recorded in 30 seconds'
        sleep 0.1
    done
}
telephone dial "sip:tienda@127.0.0.1:$sip_port"
line_of "$dir/phone.log" 'Call established'
show call 'a SIP telephone (baresip) is connected, and hears the menu'
tries=0
until grep -q 'route=/v1/cases status=201.*channel=linea' "$dir/hilod.log"; do
    [ $((tries % 10)) -ne 2 ] || telephone sndcode 1
    tries=$((tries + 1))
    [ $tries -le 30 ] || fail 'key 1 was not heard'
    sleep 1
done
show key '1: a case is opened'
tries=0
until ls "$dir"/data/files/linea/rec-* >/dev/null 2>&1; do # it is there behind the tone; silence is not written to it
    tries=$((tries + 1))
    [ $tries -le 300 ] || fail 'nothing was recorded in 30 seconds'
    sleep 0.1
done
telephone ausrc "aufile,$dir/phone/problem.wav"
recorded $((2 * 8000 * 3))
telephone sndcode '#'
line_of "$dir/hilod.log" 'voice.recorded'
line_of "$dir/hilod.log" 'media.stored.*channel=linea'
telephone hangup ''
line_of "$dir/hilod.log" 'voice.call direction=inbound'
kill "$phone" 2>/dev/null && wait "$phone" 2>/dev/null || :
phone=
api GET "/v1/calls?customer=$customer"
case=$(found '.calls[0].case')
show call "$(found '.calls[0] | "\(.id), \(.status), \(.duration_ms / 1000 | floor) s"')"
api GET "/v1/customers/$customer/timeline"
voice=$(found '[.messages[] | select(.content.kind == "voice")][0].content.media')
curl -sS --max-time 30 "$url/v1/media/$voice" -H "Authorization: Bearer $key" -o "$dir/problem.wav"
[ "$(wc -c <"$dir/problem.wav")" -gt $((2 * 8000 * 3)) ] || fail 'what she said was not kept'
show voice "build/demo/problem.wav, what she said, on the case; build/demo/phone/dump-*-dec.wav, what she heard"
api PATCH "/v1/cases/$case" '{"owner":"Luis"}'
show customer "$customer"
show case "$case"

step '2. The agent writes first: a template, as nothing else is allowed before she has written'
api POST /v1/messages "{\"to\":{\"customer\":\"$customer\"},\"channel\":\"whatsapp-co\",\"case\":\"$case\",\"content\":{\"type\":\"template\",\"name\":\"pedir_foto\",\"language\":\"es\",\"text\":\"Hola Ana, ¿nos envía una foto del televisor?\",\"parameters\":{\"body\":[\"Ana\"]}}}"
photo=$(found .id)
reaches "$photo" delivered

step '3. She answers with a text and a photo'
simulator /_sim/inbound '{"from":"573001112233","name":"Ana","type":"text","text":{"body":"Hola, así quedó la pantalla"}}'
simulator /_sim/inbound "{\"from\":\"573001112233\",\"name\":\"Ana\",\"type\":\"image\",\"caption\":\"la pantalla\",\"file\":\"$dir/television.jpg\"}"
line_of "$dir/hilod.log" media.stored
api GET "/v1/customers/$customer/timeline"
media=$(found '[.messages[] | select(.content.type == "media")][0].content.media')
curl -sS --max-time 30 "$url/v1/media/$media" -H "Authorization: Bearer $key" -o "$dir/received.jpg"
cmp -s "$dir/television.jpg" "$dir/received.jpg" || fail "the photo is not the one that was sent"
show photo "$media, downloaded from Meta and the same to the byte"

step '4. The agent asks with buttons'
api POST /v1/messages "{\"to\":{\"customer\":\"$customer\"},\"channel\":\"whatsapp-co\",\"content\":{\"type\":\"choices\",\"text\":\"¿Prefiere cambio o devolución?\",\"choices\":[{\"id\":\"exchange\",\"title\":\"Cambio\"},{\"id\":\"refund\",\"title\":\"Devolución\"}]}}"
question=$(found .id)
reaches "$question" read

step '5. She taps Cambio'
simulator /_sim/inbound '{"from":"573001112233","reply_to":"last","button":"exchange"}'
simulator /_sim/quiet '{"wait_ms":30000}'
api GET "/v1/customers/$customer/timeline"
found '[.messages[] | select(.content.type == "choice_reply")][0] | "  she chose \(.content.choice) (\(.content.title)), answering \(.reply_to)"'

step '6. She will come to the shop: an appointment, confirmed to her by WhatsApp'
api POST /v1/appointments "{\"customer\":\"$customer\",\"case\":\"$case\",\"store\":\"CENTRO\",\"starts_at\":\"$(date -u -d '+20 minutes' +%FT%TZ)\",\"subject\":\"Cambio del televisor\",\"channel\":\"whatsapp-co\",\"confirm\":true}"
code=$(found .code)
show appointment "$(found .id), which she shows as $code"

step '7. A till at the shop: its code, its certificate, and a clerk'
"$bin/hilo" pos enroll --store CENTRO --terminal 3 --json >"$dir/enroll.json"
"$bin/hilo-till" --state "$dir/till" --lang en enroll "$(jq -r .code "$dir/enroll.json")" >"$dir/enrolled.txt" ||
    fail "the till was not enrolled: $(cat "$dir/enrolled.txt")"
show till "$(cat "$dir/enrolled.txt")"
mkfifo "$dir/till.in"
"$bin/hilo-till" --state "$dir/till" --lang en --clerk marta --ack --json <"$dir/till.in" >"$dir/till.out" 2>"$dir/till.log" &
till=$!
exec 3>"$dir/till.in"
line_of "$dir/till.out" '"line":"online"'
# What the script says to the till, and its answer; the result is in $out.
clerk() { # tag method params [more]
    printf '{"tag":"%s","method":"%s","params":%s%s}\n' "$1" "$2" "$3" "${4:-}" >&3
    line_of "$dir/till.out" "\"event\":\"answer\".*\"tag\":\"$1\""
    out=$(printf '%s' "$line" | jq -ec .result) || fail "$2 was refused: $line"
}

step '8. Ana is at the counter and says her ID: who she is and what happened, on every channel'
clerk find customer.find '{"by":{"document":{"type":"CC","number":"1.020.304.050"}},"reason":"claim"}'
found '"  \(.customer.name), \(.customer.language): \([.customer.identifiers[] | "\(.scheme) \(.value)"] | join(", "))",
    (.cases[] | "  case \(.subject), \(.status), of \(.owner)"),
    (.appointments[] | "  appointment \(.subject), \(.status), \(.starts_at)")'
found '.timeline[] | "  \(.time[11:19])  \(.channel // "" | .[0:11])  \(.kind // "")  \(.content
    | .text // .title // .caption // .name // .type | split("\n")[0])"'
found '"  she chose \(.timeline[] | select(.content.type == "choice_reply") | .content.title)"'
entry=$(found '[.timeline[] | select(.content.type == "media")][0].id')
clerk photo media.get "{\"media\":\"$media\",\"message\":\"$entry\",\"original\":true}"
found .data | base64 -d >"$dir/at-the-till.jpg"
cmp -s "$dir/television.jpg" "$dir/at-the-till.jpg" || fail "the photo at the till is not the one that she sent"
show photo "build/demo/at-the-till.jpg, as she sent it"

step '9. She is checked in by her code, and wants shoes that are not there in her size'
clerk checkin appointment.checkin "{\"code\":\"$code\"}" ',"queue":true'
[ "$(found .status)" = checked_in ] || fail "not checked in: $out"
show appointment "$(found .appointment) is checked in"
clerk wish wish.add "{\"customer\":\"$customer\",\"sku\":\"ZAP-01\",\"size\":\"38\",\"colour\":\"rojo\",\"link\":\"https://tienda.example/zap-01\"}" ',"queue":true'
show wish "$(found .wish)"
exec 3>&-
wait "$till" || fail "the till ended with $?: $(cat "$dir/till.log")"
till=

step '10. Her size arrives: she is told, with the link, and the shop is told to keep one'
api POST /v1/stock/ZAP-01/available '{"quantity":1,"size":"38","colour":"rojo","store":"CENTRO","title":"Zapato rojo"}'
api GET "/v1/customers/$customer/subscriptions"
told=$(found '.subscriptions[0].message // empty')
[ -n "$told" ] || fail "nobody was told: $out"
reaches "$told" delivered
api GET "/v1/messages/$told"
found '"  \(.channel): \(.content.text)"'

step 'The case holds it all'
"$bin/hilo" case show "$case"
step "Ana's timeline"
"$bin/hilo" timeline "$customer"

[ "$stay" = yes ] || { echo; echo 'The demo is done.'; exit 0; }
cat <<TXT

${bold}The gateway stays up; Ctrl-C ends it.${off} From another terminal:

  export URL=$url KEY=$key
  curl -s \$URL/v1/customers/search -H "Authorization: Bearer \$KEY" -H 'Content-Type: application/json' \\
    -d '{"document":"CO:CC:1020304050"}'
  curl -s \$URL/v1/cases/$case/messages -H "Authorization: Bearer \$KEY"
  curl -s \$URL/v1/messages -H "Authorization: Bearer \$KEY" -H 'Content-Type: application/json' \\
    -d '{"to":{"phone":"+573001112233"},"content":{"type":"text","text":"Su cambio está listo"}}'
  curl -s $sim_url/_sim/inbound -d '{"from":"573001112233","type":"text","text":{"body":"Gracias"}}'

  export HILO_CONTROL=$HILO_CONTROL
  $bin/hilo timeline $customer

Its log: $dir/hilod.log
TXT
wait "$gate"
