#!/bin/sh
# Dovecot for the tests of the email channel: Debian's packages, unpacked into a folder. It is never installed, as it
# would start a service. Prints the folder; fetches it the first time only.
#   tests/email/dovecot.sh             DOVECOT=DIR: a folder unpacked before
set -eu
cd "$(dirname "$0")/../.."
dir=${DOVECOT:-$PWD/build/dovecot}
if [ ! -e "$dir/complete" ]; then
    command -v apt-get >/dev/null || { echo "Dovecot is fetched by apt-get download. Elsewhere: unpack it to $dir and touch $dir/complete" >&2; exit 1; }
    mkdir -p "$dir"
    wanted=$(apt-get -s install --no-install-recommends --no-upgrade dovecot-imapd 2>"$dir/apt.log" | awk '$1 == "Inst" && $3 !~ /^\[/ { print $2 }')
    if [ -z "$wanted" ]; then
        echo "apt-get knows no dovecot-imapd (apt-get update?): $(tail -n 1 "$dir/apt.log")" >&2
        exit 1
    fi
    # shellcheck disable=SC2086
    (cd "$dir" && apt-get download $wanted && for deb in *.deb; do dpkg -x "$deb" .; done) >>"$dir/apt.log" 2>&1 ||
        { echo "Dovecot was not fetched: $(tail -n 1 "$dir/apt.log")" >&2; exit 1; }
    rm -f "$dir"/*.deb
    touch "$dir/complete"
fi
echo "$dir"
