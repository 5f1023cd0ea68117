#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The analysers on lib/: clang-tidy (.clang-tidy), cppcheck (tests/cppcheck.supp) and gcc -fanalyzer. Nothing
# that they say is let pass.
#   sh tests/analyse.sh BUILD_FOLDER [FILE...]   a folder that meson has set up; all of lib/ without files
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
shift
[ $# -gt 0 ] || set -- lib/*/*.c
status=0
for tool in clang-tidy cppcheck gcc; do # one that is not there, or ends badly, says nothing
    command -v "$tool" >/dev/null || { echo "there is no $tool" && exit 1; }
done

# The commands are gcc's; an argument that clang does not know is an error to clang-tidy.
mkdir -p "$build/analyse" || exit 1
sed 's/-fvect-cost-model=dynamic//g' "$build/compile_commands.json" >"$build/analyse/compile_commands.json" || exit 1

echo "clang-tidy: $# files"
found=$(printf '%s\n' "$@" |
    xargs -P 2 -n 4 clang-tidy --quiet -p "$build/analyse" --extra-arg=-Wno-unused-value 2>/dev/null) || status=1
found=$(echo "$found" | grep -E 'error:|warning:')
[ -z "$found" ] || { echo "$found" && status=1; }

echo "cppcheck: $# files"
includes=$(printf -- '-I %s ' lib/*/)
# shellcheck disable=SC2086 # a list of words
cppcheck --quiet --std=c11 --enable=warning,portability,performance --error-exitcode=1 -j 2 \
    --suppressions-list=tests/cppcheck.supp -I include $includes -I lib/privacy/door "$@" || status=1

# But for NULL and values not set, which clang-tidy follows better: gcc's analyser loses how long a loop was.
echo "gcc -fanalyzer: $# files"
found=$(printf '%s\n' "$@" | xargs -P 2 -n 1 gcc -std=c11 -O1 -c -o /dev/null \
    -D_POSIX_C_SOURCE=200809L -DHAVE_SQLITE \
    -fanalyzer -Wno-analyzer-null-dereference -Wno-analyzer-use-of-uninitialized-value \
    -I include $includes -I lib/privacy/door 2>&1) || status=1
found=$(echo "$found" | grep -E 'warning:|error:')
[ -z "$found" ] || { echo "$found" && status=1; }
exit $status
