#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Coverage of lib/ by the test programs, in FOLDER: at least 95 % of the lines; and every branch of the vault
# and the accountant is taken, or tests/coverage.list says why none can take it. It is built without
# optimisation, so that a branch is one of the source. Only a processor with AVX-512 takes all versions of a
# loop.
#   sh tests/coverage.sh FOLDER
set -u
cd "$(dirname "$0")/.." || exit 1
folder=$1
if [ ! -f "$folder/build.ninja" ]; then
    mkdir -p "$folder"
    ended=$(cd "$folder" && pwd)/gcov_exit.o
    cc -O1 -fPIC -c -o "$ended" tests/support/gcov_exit.c || exit 1
    meson setup "$folder" -Dbuildtype=debug -Doptimization=0 -Db_coverage=true -Dexamples=false \
        -Dc_args=-fprofile-update=atomic -Dc_link_args="--coverage -Wl,--wrap=_exit $ended" \
        >"$folder.log" 2>&1 ||
        { cat "$folder.log" && exit 1; }
fi
find "$folder" -name '*.gcda' -delete
meson test -C "$folder" --suite unit --suite api --timeout-multiplier 20 >"$folder.log" 2>&1 ||
    { tail -n 40 "$folder.log" && exit 1; }
status=0
gcovr --root . --object-directory "$folder" --exclude-throw-branches --filter lib/ --fail-under-line 95 \
    "$folder/lib" >"$folder.lines" || status=1
tail -n 4 "$folder.lines"
python3 tests/coverage.py . "$folder" || status=1
exit $status
