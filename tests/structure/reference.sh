#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The reference is made without a warning: everything public is documented, and every link leads somewhere.
# Skipped without Doxygen. Usage: reference.sh DOXYFILE
set -eu
command -v doxygen >/dev/null 2>&1 || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# make_reference SETTING...: what Doxygen says with these settings behind the project's.
make_reference() {
    { cat "$doxyfile" && printf '%s\n' "OUTPUT_DIRECTORY = $work" "$@"; } | doxygen - 2>&1
}

doxyfile=$1
make_reference || {
    echo "the reference has warnings"
    exit 1
}
# A header with a function that has no comment must be found, or the test above proves nothing.
mkdir "$work/faulty"
printf '/** @file\n * A header. */\nint dpmix_faulty(void);\n' >"$work/faulty/faulty.h"
if make_reference "INPUT += $work/faulty" >"$work/log" || ! grep -q 'dpmix_faulty' "$work/log"; then
    echo "a function without a comment was not found"
    exit 1
fi
