#!/bin/bash
# tests/run.sh COMMAND...: runs tests, $JOBS at a time (as many as there are processors). Each one's
# output appears whole when it has ended. The first failure lets nothing more begin; what it said
# comes last, and how to run it alone. With KEEP_GOING=yes all of them run.
set -u
jobs=${JOBS:-$(nproc)} logs=${LOGS:-build/logs} next=0 failed=''
declare -A name began log
mkdir -p "$logs"
ran=() # pids that are under way

begin() {
    log_file=$logs/$((next += 1)).log
    bash -c "$1" >"$log_file" 2>&1 </dev/null &
    ran+=($!) name[$!]=$1 began[$!]=${EPOCHREALTIME/[.,]/} log[$!]=$log_file
}

end_one() {
    local pid rc tenths left=() p
    wait -n -p pid "${ran[@]}"
    rc=$?
    for p in "${ran[@]}"; do [ "$p" = "$pid" ] || left+=("$p"); done
    ran=("${left[@]}")
    tenths=$(((${EPOCHREALTIME/[.,]/} - began[$pid]) / 100000))
    if [ $rc != 0 ] && [ -z "$failed" ]; then
        failed=$pid
        [ ${#ran[@]} = 0 ] || echo "== ${name[$pid]} has failed; waiting for ${#ran[@]} more"
        return
    fi
    [ $rc = 0 ] || echo "== The next has failed, too:"
    printf '== %s (%d.%d s)\n' "${name[$pid]}" $((tenths / 10)) $((tenths % 10))
    cat "${log[$pid]}"
}

for command; do
    while [ ${#ran[@]} -ge "$jobs" ]; do end_one; done
    [ -z "$failed" ] || [ -n "${KEEP_GOING:-}" ] || break
    begin "$command"
done
while [ ${#ran[@]} -gt 0 ]; do end_one; done
[ -z "$failed" ] && exit 0
echo "== ${name[$failed]}"
cat "${log[$failed]}"
echo "== This has failed. It alone: ${name[$failed]}"
exit 1
