#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# `meson dist` makes an archive of all that the checkout has, and it can be set up elsewhere. Skipped where the sources
# are no checkout of their own. Usage: dist.sh SOURCE_ROOT BUILD_ROOT
set -eu
source=$1
build=$2
command -v git >/dev/null 2>&1 && [ -e "$source/.git" ] || exit 77
git -C "$source" rev-parse HEAD >/dev/null 2>&1 || exit 77 # not ours to read
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rm -f "$build"/meson-dist/*.tar.gz # of another version
meson dist -C "$build" --no-tests --allow-dirty --formats gztar >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
}
tar -xzf "$build"/meson-dist/*.tar.gz -C "$work"
made=$(find "$work" -mindepth 1 -maxdepth 1 -type d)
git -C "$source" ls-tree -r --name-only HEAD | sort >"$work/wanted"
(cd "$made" && find . -type f | sed 's|^\./||' | sort) >"$work/found"
diff "$work/wanted" "$work/found"
meson setup "$made/build" "$made" >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
}
