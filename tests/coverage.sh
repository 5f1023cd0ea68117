#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Coverage of lib/ by the test programs, in FOLDER: at least 95 % of the lines; of the vault and the accountant
# the branches that are not taken are listed.
#   sh tests/coverage.sh FOLDER
set -u
cd "$(dirname "$0")/.." || exit 1
folder=$1
[ -f "$folder/build.ninja" ] ||
    meson setup "$folder" -Dbuildtype=debug -Doptimization=1 -Db_coverage=true -Dexamples=false \
        -Dc_args=-fprofile-update=atomic \
        >"$folder.log" 2>&1 ||
    { cat "$folder.log" && exit 1; }
find "$folder" -name '*.gcda' -delete
meson test -C "$folder" --suite unit --suite api --timeout-multiplier 8 >"$folder.log" 2>&1 ||
    { tail -n 40 "$folder.log" && exit 1; }
report() {
    gcovr --root . --object-directory "$folder" --exclude-throw-branches "$@" "$folder/lib"
}
status=0
report --filter lib/ --fail-under-line 95 | tail -n 4 || status=1
echo "Branches of lib/privacy and lib/account that no test takes:"
report --filter lib/privacy/ --filter lib/account/ --branches --exclude-branches-by-pattern '.*assert\(.*'
exit $status
