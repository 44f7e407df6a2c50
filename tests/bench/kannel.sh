# Kannel for the SMS bench: Debian's package, unpacked into a folder of its own. It is never
# installed, as its package would start a service. Sourced by sms.sh, behind lib.sh.
# Where the machine has a bearerbox already, that one is used. KANNEL=DIR: a folder unpacked before.
kannel=${KANNEL:-$PWD/build/kannel}
if command -v bearerbox >/dev/null; then
    kannel_bin=$(dirname "$(command -v bearerbox)")
else
    kannel_bin=$kannel/usr/sbin
fi
bearerbox='' smsbox=''

kannel_fetch() { # the package and what of its libraries is not here
    [ ! -x "$kannel_bin/bearerbox" ] || return 0
    command -v apt-get >/dev/null || fail "Kannel is fetched by apt-get. Elsewhere: install bearerbox and smsbox by hand, don't start them, and come back"
    local wanted
    mkdir -p "$kannel"
    wanted=$(apt-get -s install --no-install-recommends --no-upgrade kannel 2>"$kannel/apt.log" | awk '$1 == "Inst" && $3 !~ /^\[/ { print $2 }')
    [ -n "$wanted" ] || fail "apt-get knows no kannel (apt-get update?): $(tail -n 1 "$kannel/apt.log")"
    (cd "$kannel" && apt-get download $wanted && for deb in *.deb; do dpkg -x "$deb" .; done) >>"$kannel/apt.log" 2>&1 ||
        fail "Kannel was not fetched: $(tail -n 1 "$kannel/apt.log")"
}
free_port() { # one that nobody listens on; Kannel takes no 0
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 10000))
        (exec 7<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo $port; return; }
    done
    fail "no free port"
}
kannel_start() { # get_url: of inbound messages
    local admin boxes port store=$dir/kannel
    rm -rf "$store"
    mkdir -p "$store"
    admin=$(free_port) boxes=$(free_port) port=$(free_port)
    cat >"$dir/kannel.conf" <<CONF
group = core
admin-port = $admin
admin-password = bench
smsbox-port = $boxes
log-level = 3
store-type = file
store-location = "$store/store"
dlr-storage = internal

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = $port
log-level = 3

group = smsc
smsc = smpp
smsc-id = bench
host = 127.0.0.1
port = $smsc_port
smsc-username = bench
smsc-password = bench
system-type = ""
transceiver-mode = true
max-pending-submits = 100

group = sendsms-user
username = bench
password = bench
max-messages = 10

group = sms-service
keyword = default
catch-all = true
accepted-smsc = bench
max-messages = 0
get-url = "$1"
CONF
    rm -f "$dir/bearerbox.log" "$dir/smsbox.log"
    LD_LIBRARY_PATH=$kannel/usr/lib/$(uname -m)-linux-gnu $server "$kannel_bin/bearerbox" "$dir/kannel.conf" >"$dir/bearerbox.log" 2>&1 &
    bearerbox=$!
    for _ in $(seq 300); do # the SMSC is bound, too
        curl -sS --max-time 5 "http://127.0.0.1:$admin/status.txt?password=bench" 2>/dev/null | grep -q 'bench.*online' && break
        sleep 0.1
    done
    LD_LIBRARY_PATH=$kannel/usr/lib/$(uname -m)-linux-gnu $server "$kannel_bin/smsbox" "$dir/kannel.conf" >"$dir/smsbox.log" 2>&1 &
    smsbox=$!
    for _ in $(seq 300); do
        curl -sS --max-time 5 "http://127.0.0.1:$admin/status.txt?password=bench" 2>/dev/null | grep -q 'smsbox' && break
        sleep 0.1
    done
    curl -sS --max-time 5 "http://127.0.0.1:$admin/status.txt?password=bench" >"$dir/kannel.status" || fail "bearerbox does not answer"
    grep -q 'bench.*online' "$dir/kannel.status" && grep -q smsbox "$dir/kannel.status" ||
        fail "Kannel did not come up: $(cat "$dir/kannel.status")"
    url=http://127.0.0.1:$port key=bench pids="$bearerbox $smsbox"
}
