#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs the targets under libFuzzer, two at once, and prints a table. Exit status 1 when one of them found a
# fault; what it found is then in BUILD/found, with its log, whose end is printed. Needs clang with libFuzzer.
#   sh tests/fuzz/run.sh BUILD [SECONDS [TARGET...]]   BUILD is made where it is not there; 10 seconds each
set -u
if [ $# -lt 1 ]; then
    echo "usage: sh tests/fuzz/run.sh BUILD [SECONDS [TARGET...]]"
    exit 2
fi
mkdir -p "$(dirname "$1")" || exit 1
build=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")/../.." || exit 1
seconds=${2-10}
shift
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- clusterer generator mixture checkpoint ledger idx npy schema text metadata arrow csv \
    sqlite

CC=clang meson setup "$build" . -Dbuildtype=debugoptimized -Dexamples=false -Dfuzz=true \
    -Db_sanitize=address,undefined -Db_lundef=false >"$build.log" 2>&1 &&
    ninja -C "$build" tests/fuzz/fuzz >>"$build.log" 2>&1 || {
    tail -n 20 "$build.log"
    exit 1
}
fuzz=$build/tests/fuzz/fuzz
found=$build/found
DPMIX_TEST_DATA=$PWD/tests/data
export DPMIX_TEST_DATA
export ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
mkdir -p "$found"
# The files that the targets write are many and small: in memory where there is such a place.
work=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")") || exit 1
trap 'rm -rf "$work"' EXIT

# A short run tries the same things every time, so that what fails is the change; 0: other things each time.
[ "$seconds" -le 10 ] && seed=1 || seed=0

# one TARGET: its row of the table
one() {
    mkdir -p "$work/$1/seeds" "$work/$1/corpus"
    cd "$work/$1" || exit 1
    "$fuzz" --target="$1" --seeds=seeds && "$fuzz" --target="$1" corpus seeds \
        -max_total_time="$seconds" -seed="$seed" -max_len=16384 -timeout=25 -rss_limit_mb=2048 -malloc_limit_mb=512 \
        -use_value_profile=1 -print_final_stats=1 -artifact_prefix="$found/$1-" >"$found/$1.log" 2>&1
    status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/$1.log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$found/$1.log" | tail -n 1)
    kept=$(find corpus -type f | wc -l)
    [ "$status" = 0 ] && verdict=sound || verdict="FAULT, see $found/$1.log"
    printf '| %-10s | %7s | %9s | %5s | %6s | %s |\n' "$1" "$seconds" "${runs:-0}" "${edges:-0}" "$kept" \
        "$verdict"
    [ "$status" = 0 ] || tail -n 40 "$found/$1.log"
    return "$status"
}

echo "| target     | seconds | runs      | edges | corpus | verdict |"
echo "|------------|---------|-----------|-------|--------|---------|"
status=0
while [ $# -gt 0 ]; do
    (one "$1") &
    first=$!
    second=
    shift
    if [ $# -gt 0 ]; then
        (one "$1") &
        second=$!
        shift
    fi
    wait "$first" || status=1
    [ -z "$second" ] || wait "$second" || status=1
done
exit "$status"
