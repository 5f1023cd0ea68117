#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The ABI of the built library against the baseline tests/abi/dpmix.abi.
#   sh tests/structure/abi.sh LIBRARY             compares: 0 the same, 1 not, 77 cannot tell
#   sh tests/structure/abi.sh --update [LIBRARY]  writes the baseline anew, with the headers and the soname
#                                                 beside it: for additions. What changed or went is refused.
#   sh tests/structure/abi.sh --major [LIBRARY]   the same for a new major version; see doc/abi.md
# The library needs debug information: without it abidiff sees names only, and calls every change harmless.
# What abidw does not describe, abidiff does not compare: so every exported symbol must have a description.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
baseline=$root/tests/abi/dpmix.abi

# Only what the public headers define counts: handles are opaque, whatever they hold inside. No places in the
# sources: they move with every edit.
describe() {
    abidw --headers-dir "$root/include/dpmix" --drop-private-types --no-corpus-path --no-comp-dir-path \
        --no-show-locs --no-elf-needed --exported-interfaces-only --type-id-style hash "$1"
}

skip() {
    echo "skipped: $1"
    exit 77
}

update=
case "${1-}" in
--update | --major)
    update=$1
    shift
    ;;
esac
library=${1-$root/build/tests/lib/libdpmix.so}

command -v abidw >/dev/null 2>&1 && command -v abidiff >/dev/null 2>&1 || skip "no abidiff (abigail-tools)"
[ -f "$library" ] || {
    echo "no library at $library"
    exit 1
}
readelf -S "$library" | grep -q '\.debug_info' || skip "the library has no debug information"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
describe "$library" > "$work/now.abi" || exit 1
# A function that the compiler folded into an identical one has no description of its own.
for symbol in $(sed -n "s/.*<elf-symbol name='\([^']*\)'.*/\1/p" "$work/now.abi"); do
    grep -q "<function-decl name='$symbol'" "$work/now.abi" ||
        skip "abidw does not describe $symbol; build with -fno-ipa-icf"
done

if [ -n "$update" ]; then
    if [ "$update" = --update ] && [ -f "$baseline" ]; then
        abidiff --no-added-syms "$baseline" "$work/now.abi" || {
            echo "not written: what programs use changed or went. That takes a new major version: doc/abi.md"
            exit 1
        }
    fi
    cp "$work/now.abi" "$baseline"
    mkdir -p "$root/tests/abi/include/dpmix"
    rm -f "$root"/tests/abi/include/dpmix/*.h
    cp "$root"/include/dpmix/*.h "$root/tests/abi/include/dpmix/"
    sh "$root/tests/structure/abi_program.sh" --names "$library" > "$root/tests/abi/soname"
    echo "written: tests/abi/dpmix.abi, tests/abi/include, tests/abi/soname"
    exit 0
fi

[ -f "$baseline" ] || skip "no baseline; sh tests/structure/abi.sh --update writes it"
here=$(sed -n "s/.* architecture='\([^']*\)'.*/\1/p" "$work/now.abi")
there=$(sed -n "s/.* architecture='\([^']*\)'.*/\1/p" "$baseline")
[ "$here" = "$there" ] || skip "the baseline is of $there, this is $here"

# Any result but 0: what abidiff calls a mere change includes double becoming float.
if abidiff "$baseline" "$work/now.abi"; then
    echo "the ABI is that of the baseline"
else
    echo "the ABI changed"
    exit 1
fi
