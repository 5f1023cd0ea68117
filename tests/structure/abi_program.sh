#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A program that was compiled against the headers of the baseline (tests/abi/include) runs with the library as it
# is now: every function of those headers is there, and a release works. And the tripwire of the soname: its name
# and the version of the symbols are those of tests/abi/soname.
#   sh tests/structure/abi_program.sh LIBRARY          77: no baseline
#   sh tests/structure/abi_program.sh --names LIBRARY  prints soname and version node
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
include=$root/tests/abi/include

names() {
    readelf -d "$1" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p'
    objdump -T "$1" | sed -n 's/.*\b\(DPMIX_[0-9]*\)\b.*dpmix_version$/\1/p'
}

if [ "${1-}" = --names ]; then
    names "$2"
    exit 0
fi
library=$1
[ -d "$include" ] || {
    echo "skipped: no baseline; sh tests/structure/abi.sh --update writes it"
    exit 77
}

now=$(names "$library")
[ "$now" = "$(cat "$root/tests/abi/soname")" ] || {
    echo "soname and version node are now: $now"
    echo "tests/abi/soname has others: programs in the field would not start. Read doc/abi.md"
    exit 1
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# The address of every function that the baseline declares.
{
    echo '#include <dpmix/dpmix.h>'
    echo 'typedef void any_function(void);'
    echo 'extern any_function *const functions[];'
    echo 'any_function *const functions[] = {'
    sed 's|/\*.*\*/||' "$include"/dpmix/*.h | tr '\n' ' ' | grep -o 'DPMIX_API[^;{]*;' |
        sed -n 's/.*\b\(dpmix_[a-z0-9_]*\)(.*/    (any_function *)\1,/p' | sort -u
    echo '};'
} >"$work/functions.c"
declared=$(grep -c '(any_function \*)' "$work/functions.c")
[ "$declared" -ge 100 ] || {
    echo "only $declared functions were found in the headers of the baseline"
    exit 1
}
gcc -std=c11 -Wall -Wextra -Werror -Wno-cast-function-type -I "$include" \
    "$root/tests/structure/abi_program.c" "$work/functions.c" -o "$work/program" "$library" -lm || exit 1
folder=$(cd "$(dirname "$library")" && pwd)
LD_LIBRARY_PATH=$folder ldd "$work/program" | grep -q "=> $folder/" || {
    echo "the program does not load this library"
    exit 1
}
LD_LIBRARY_PATH=$folder "$work/program" "$work/model" || exit 1
echo "$declared functions of the baseline are there"
