#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Installs what is missing, builds, and runs every test.
#   sh tests/run.sh          all tests, then those of the library once more under the sanitizers, a few under
#                            ThreadSanitizer and valgrind, and libFuzzer for ten seconds a target; the last
#                            line is "N passed, N failed, N skipped"
#   sh tests/run.sh --long   that, and what takes hours: the suite `long`, all that ThreadSanitizer and
#                            valgrind can run, the analysers, coverage, other compilers and machines; and
#                            libFuzzer for five minutes a target
#   sh tests/run.sh --bench  the benchmarks; their figures go to build/bench.jsonl, one JSON object a line
set -u
long_tools=
[ "${1-}" != --long ] || long_tools="clang-tidy:clang-tidy cppcheck:cppcheck gcovr:gcovr"
cd "$(dirname "$0")/.." || exit 1

have_header() {
    echo "#include <$1>" | gcc -E - >/dev/null 2>&1
}

# clang comes without what its sanitizers and libFuzzer link.
have_fuzzer() {
    echo 'int LLVMFuzzerTestOneInput(const unsigned char *bytes, unsigned long n) { return n && !*bytes; }' |
        clang -x c -fsanitize=fuzzer,address,undefined -o build/have_fuzzer - >/dev/null 2>&1 &&
        rm build/have_fuzzer
}

# The Debian packages that are not there, each told by the thing that is needed of it.
missing_packages() {
    for pair in gcc:gcc g++:g++ meson:meson ninja-build:ninja pkg-config:pkg-config python3:python3 \
        binutils:objdump clang:clang abigail-tools:abidw doxygen:doxygen valgrind:valgrind $long_tools; do
        command -v "${pair#*:}" >/dev/null 2>&1 || printf ' %s' "${pair%%:*}"
    done
    for pair in libc6-dev:stdio.h liblapacke-dev:lapacke.h libsodium-dev:sodium.h zlib1g-dev:zlib.h \
        libsqlite3-dev:sqlite3.h libjansson-dev:jansson.h libpng-dev:png.h libcsv-dev:csv.h check:check.h; do
        have_header "${pair#*:}" || printf ' %s' "${pair%%:*}"
    done
    have_fuzzer || printf ' libclang-rt-dev'
    python3 -c 'import ensurepip, venv' 2>/dev/null || printf ' python3-venv'
    have_header blis.h || have_header blis/blis.h || printf "%s" " libblis-pthread-dev"
    [ -r "${DPMIX_FASHION_MNIST:-/usr/share/datasets/fashion-mnist}/train-images-idx3-ubyte.gz" ] ||
        printf ' dataset-fashion-mnist'
}

provide() {
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        echo "installing:$missing"
        # shellcheck disable=SC2086 # a list of words
        {
            apt-get update -qq &&
                DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
        } >build/install.log 2>&1 || cat build/install.log
        missing=$(missing_packages)
        [ -n "$missing" ] || return 0
    fi
    echo "missing:$missing"
    echo "These are Debian's names. On Debian, as root: apt-get install$missing"
    echo "Elsewhere install what they hold: the tools, the development files of the libraries, and Zalando's"
    echo "Fashion-MNIST as four gzip'd IDX files in the folder that DPMIX_FASHION_MNIST names."
    exit 1
}

# set_up FOLDER OPTION...: a build folder with these options; from nothing when the one that is there fails.
set_up() {
    folder=$1
    shift
    if [ -f "$folder/build.ninja" ] && meson setup --reconfigure "$folder" "$@" >"$folder.log" 2>&1; then
        return 0
    fi
    rm -rf "$folder"
    meson setup "$folder" "$@" >"$folder.log" 2>&1 || {
        cat "$folder.log"
        return 1
    }
}

# pass FOLDER OPTION... -- ARGUMENT OF meson test...
pass() {
    folder=$1
    options=
    while shift && [ "$1" != -- ]; do
        options="$options $1"
    done
    shift
    rm -f "$folder/meson-logs/testlog.json" "$folder/meson-logs/benchmarklog.json"
    # shellcheck disable=SC2086 # a list of words
    set_up "$folder" -Db_colorout=never $options && meson compile -C "$folder" >"$folder.log" 2>&1 || {
        grep -A 5 -E 'FAILED|rror:|undefined' "$folder.log" | cut -c 1-300 | head -n 100
        return 1
    }
    meson test -C "$folder" --no-rebuild --print-errorlogs --timeout-multiplier 4 "$@"
}

case "$*" in
'' | --bench | --long) ;;
*)
    echo "usage: sh tests/run.sh [--bench | --long]"
    exit 2
    ;;
esac
mkdir -p build && [ -w build ] || {
    echo "the folder build cannot be written"
    exit 1
}
provide

if [ "${1-}" = --bench ]; then
    rm -f build/bench.jsonl
    pass build/bench -Dbuildtype=release -- --benchmark --logbase benchmarklog || status=1
    [ -f build/bench/meson-logs/benchmarklog.json ] &&
        python3 tests/bench/gather.py build/bench/meson-logs/benchmarklog.json build/bench.jsonl || status=1
    exit "${status-0}"
fi
# one_pass NAME COMMAND...: a pass whose result is its status.
one_pass() {
    name=$1
    shift
    echo "== $name"
    if "$@"; then results="$results $name=0"; else results="$results $name=1"; fi
}

# Where the loader puts programs at random places that the sanitizers of older compilers cannot do with.
same_places() {
    if setarch -R true 2>/dev/null; then setarch -R "$@"; else "$@"; fi
}

# under_tsan ARGUMENT OF meson test...: builds what these tests need, and no more.
under_tsan() {
    rm -f build/tests-tsan/meson-logs/testlog.json
    set_up build/tests-tsan -Db_colorout=never -Dbuildtype=debug -Doptimization=1 -Dexamples=false \
        -Db_sanitize=thread -Db_lundef=false &&
        same_places meson test -C build/tests-tsan --print-errorlogs --timeout-multiplier 20 "$@"
}

# under_valgrind ARGUMENT OF meson test...: on the programs of the first pass.
under_valgrind() {
    rm -f build/tests/meson-logs/memcheck-memcheck.json
    meson test -C build/tests --no-rebuild --print-errorlogs --setup memcheck --logbase memcheck "$@"
}

results=
echo "== all tests"
pass build/tests -Dbuildtype=debugoptimized -Dwerror=true -- || status=1
echo "== under AddressSanitizer and UndefinedBehaviorSanitizer"
left_out=figures
fuzz_seconds=10
if [ "${1-}" = --long ]; then
    left_out=slow
    fuzz_seconds=300
fi
# Of the debug information only the lines, which is what reports name: all of it takes the compiler a quarter longer.
pass build/tests-asan -Dbuildtype=plain -Doptimization=2 -Dc_args=-g1 -Dcpp_args=-g1 -Dwerror=true \
    -Dexamples=false -Db_sanitize=address,undefined -Db_lundef=false -- \
    --no-suite structure --no-suite slow --no-suite $left_out || status=1
logs="build/tests/meson-logs/testlog.json build/tests-asan/meson-logs/testlog.json
    build/tests-tsan/meson-logs/testlog.json build/tests/meson-logs/memcheck-memcheck.json"
if [ "${1-}" = --long ]; then
    echo "== under ThreadSanitizer: all but the suites structure, stochastic and single"
    under_tsan --no-suite structure --no-suite stochastic --no-suite single || status=1
    echo "== under valgrind: all but the suites structure, stochastic and repeats"
    under_valgrind || status=1
    echo "== the suite long"
    rm -f build/tests/meson-logs/long.json
    meson test -C build/tests --no-rebuild --print-errorlogs --suite long --logbase long || status=1
    logs="$logs build/tests/meson-logs/long.json"
    one_pass analysers sh tests/analyse.sh build/tests
    one_pass coverage sh tests/coverage.sh build/coverage
    one_pass portability sh tests/portability.sh build/portability
else
    echo "== under ThreadSanitizer: the suite tsan"
    under_tsan --suite tsan || status=1
    echo "== under valgrind: the suite memcheck"
    under_valgrind --suite memcheck || status=1
fi
one_pass fuzz same_places sh tests/fuzz/run.sh build/fuzz "$fuzz_seconds"
# shellcheck disable=SC2086 # lists of words
python3 tests/tally.py $logs $results || status=1
exit "${status-0}"
