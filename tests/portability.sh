#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Builds the library in many ways and runs the tests of each; prints a table. Exit status 1 when one fails. A
# way whose tools are not there is skipped, and the table says so.
#   sh tests/portability.sh FOLDER [ROW...]   all rows where none is named; FOLDER keeps builds and logs
# A row is COMPILER-LEVEL (gcc-O0, clang-O3), or one of gcc-lto, clang-lto, gcc-plain and gcc-avx2 (vector
# units that the builds may use at most), gcc-bare (without SQLite), i386 (32-bit sizes), s390x (big-endian,
# under qemu).
set -u
if [ $# -lt 1 ]; then
    sed -n '3,8s/^# *//p' "$0"
    exit 2
fi
mkdir -p "$1" || exit 1
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/.." || exit 1
shift
[ $# -gt 0 ] || set -- gcc-O0 gcc-O1 gcc-O2 gcc-O3 clang-O0 clang-O1 clang-O2 clang-O3 gcc-lto clang-lto \
    gcc-plain gcc-avx2 gcc-bare i386 s390x

# Under qemu and on 32 bits: what reads and writes bytes and counts in size_t, without the long sums of the
# accountant, which take minutes there.
few="base blob threads random load npy table linalg clip fuzz_clusterer fuzz_generator fuzz_mixture
    fuzz_checkpoint fuzz_idx fuzz_npy fuzz_schema fuzz_text fuzz_metadata fuzz_arrow fuzz_csv fuzz_sqlite
    arrow arrow_out"
jobs=${DPMIX_PORTABILITY_JOBS-2}

# build_and_test BUILD all|few: meson builds what these tests need, and no more.
build_and_test() {
    if [ "$2" = all ]; then
        meson test -C "$1" --timeout-multiplier 10 --num-processes "$jobs" \
            --suite unit --suite api --suite fuzz --no-suite slow --no-suite long
    else
        # shellcheck disable=SC2086 # a list of words
        meson test -C "$1" --timeout-multiplier 20 --num-processes "$jobs" $few
    fi
}

# sum BUILD.log FIELD...: of the summary of meson test
sum() {
    log=$1
    shift
    for field in "$@"; do
        sed -n "s/^$field: *//p" "$log"
    done | awk '{ n += $1 } END { print n + 0 }'
}

# row NAME COMPILER all|few OPTION...
row() {
    name=$1
    compiler=$2
    tests=$3
    shift 3
    build=$folder/$name
    if ! command -v "$compiler" >/dev/null 2>&1; then
        printf '| %-9s | skipped: no %s |\n' "$name" "$compiler"
        return 0
    fi
    begin=$(date +%s)
    rm -rf "$build"
    status=0
    CC=$compiler meson setup "$build" . -Dexamples=false -Dwerror=true "$@" >"$build.log" 2>&1 &&
        build_and_test "$build" "$tests" >>"$build.log" 2>&1 || status=1
    [ "$status" = 0 ] && verdict=sound || verdict=FAULT
    printf '| %-9s | %s | %3s passed | %3s failed | %5s s |\n' "$name" "$verdict" "$(sum "$build.log" Ok)" \
        "$(sum "$build.log" Fail Timeout)" "$(($(date +%s) - begin))"
    return "$status"
}

# cross NAME COMPILER RUNNER
cross() {
    if ! command -v "$2" >/dev/null 2>&1 || ! command -v "$3" >/dev/null 2>&1 ||
        ! file=$(sh tests/sysroot.sh "$1" "$folder/root-$1"); then
        printf '| %-9s | skipped: no %s, %s or libraries |\n' "$1" "$2" "$3"
        return 0
    fi
    row "$1" "$2" few -Dbuildtype=debugoptimized --cross-file "$file"
}

result=0
for name in "$@"; do
    case $name in
    *-O[0-3]) row "$name" "${name%-*}" all -Dbuildtype=plain -Ddebug=true -Doptimization="${name#*-O}" ;;
    *-lto) row "$name" "${name%-*}" all -Dbuildtype=release -Db_lto=true ;;
    *-plain | *-avx2)
        most=DPM_SIMD_$(echo "${name#*-}" | tr a-z A-Z)
        row "$name" "${name%-*}" all -Dbuildtype=debugoptimized -Dc_args="-DDPM_SIMD_MOST=$most"
        ;;
    *-bare) row "$name" "${name%-*}" all -Dbuildtype=debugoptimized -Dsqlite=disabled ;;
    i386) cross i386 i686-linux-gnu-gcc sh ;;
    s390x) cross s390x s390x-linux-gnu-gcc qemu-s390x-static ;;
    *)
        echo "no such row: $name"
        false
        ;;
    esac || result=1
done
exit "$result"
