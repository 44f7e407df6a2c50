#!/bin/sh
# Runs the README's API examples as they stand, each of which must be answered 2xx, and the
# demo to its end. Both in the build of HILO_BUILD.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build
script=build/readme-examples.sh
{
    echo 'set -eu'
    awk '/^```sh/ { on = 1; next } /^```/ { on = 0 } on' README.md |
        sed 's/^curl -s /curl -sS --fail-with-body --max-time 30 -o build\/readme-answer.json /'
} >"$script"
n=$(grep -c '^curl' "$script")
[ "$n" -ge 8 ] || { echo "the README has only $n examples; has their form changed?" >&2; exit 1; }
HILO_DEMO_RUN=$script sh tools/demo.sh >build/readme.log 2>&1 ||
    { tail -n 20 build/readme.log >&2; cat build/readme-answer.json >&2; exit 1; }
echo "$n examples of the README were answered 2xx"
HILO_DEMO_STAY=no sh tools/demo.sh >build/demo.log 2>&1 || { tail -n 20 build/demo.log >&2; exit 1; }
grep -q 'she chose exchange (Cambio)' build/demo.log || { cat build/demo.log >&2; exit 1; }
grep -q 'problem.wav, what she said, on the case' build/demo.log && grep -q '\[voice\] (rec-cal_' build/demo.log || { cat build/demo.log >&2; exit 1; }
grep -q 'as she sent it' build/demo.log && grep -q 'is checked in' build/demo.log &&
    grep -q 'whatsapp-co: .*https://tienda.example/zap-01' build/demo.log || { cat build/demo.log >&2; exit 1; }
echo 'the demo ran to its end'
