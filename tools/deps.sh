#!/bin/sh
# Installs the packages of tools/packages.txt that are missing, by apt, as root or with
# sudo. Does nothing, quickly, when all are there. No package of the list has a service.
set -eu
list=$(dirname "$0")/packages.txt

missing=
while read -r name mark command; do
    case $name in '' | '#'*) continue ;; esac
    [ "$mark" = '?' ] && command -v "$command" >/dev/null 2>&1 && continue
    missing="$missing $name"
done <"$list"
# One call asks for the state of all.
have=$(dpkg-query -W -f '${Package} ${Status}\n' $missing 2>/dev/null | awk '$4 == "installed" { print $1 }') || :
want=
for name in $missing; do
    printf '%s\n' "$have" | grep -qx "$name" || want="$want $name"
done
[ -n "$want" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "make deps knows Debian's apt-get only. Please install by hand what corresponds to:$want" >&2
    exit 1
fi
root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "Packages are missing and neither are you root nor is sudo there. As root, run: apt-get install$want" >&2
        exit 1
    }
    root=sudo
fi
echo "Installing:$want"
apt="$root env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -o Acquire::Retries=3"
# With the lists at hand this is one step; on a bare machine they must be fetched first.
# shellcheck disable=SC2086
$apt install -y --no-install-recommends --no-upgrade $want || {
    $apt update
    $apt install -y --no-install-recommends --no-upgrade $want
}
