#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Installs the build into a folder of its own, and builds C and C++ programs against what was installed, by
# pkg-config only; the Python package finds it by its soname. Usage: install.sh SOURCE_ROOT BUILD_ROOT
set -eu
source=$1
build=$2
here=$source/tests/structure
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$1"
    exit 1
}

DESTDIR=$work/tree meson install -C "$build" --no-rebuild --quiet

pc=$(find "$work/tree" -name dpmix.pc)
[ -n "$pc" ] || fail "dpmix.pc is not installed"
found=$(find "$work/tree" -path '*/include/dpmix/*' -type f | sed 's|.*/||' | sort)
wanted=$(cd "$source/include/dpmix" && ls ./*.h ./*.hpp | sed 's|.*/||' | sort)
[ "$found" = "$wanted" ] || fail "installed headers: $found
wanted: $wanted"
library=$(dirname "$(find "$work/tree" -name 'libdpmix.so.1')")
[ -f "$library/libdpmix.so" ] || fail "no libdpmix.so to link with"

# The tree is not where its prefix says: pkg-config puts the folder before every path, the system's too.
export PKG_CONFIG_PATH="$(dirname "$pc")"
flags() {
    PKG_CONFIG_SYSROOT_DIR=$work/tree PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 \
        pkg-config "$1" dpmix
}
cflags=$(flags --cflags)
libs=$(flags --libs)
echo "cflags: $cflags"
echo "libs: $libs"

cd "$work" # nothing of the source tree is in reach
cp "$here/foreign.c" "$here/foreign.cpp" "$here/foreign_wrapper.cpp" "$here/foreign.py" .
cp -R "$source/bindings/python/dpmix" .
strict="-Wall -Wextra -Wpedantic -Werror"
gcc -std=c11 $strict $cflags foreign.c -o foreign_c $libs
g++ -std=c++17 $strict $cflags foreign.cpp -o foreign_cpp $libs
g++ -std=c++17 $strict $cflags foreign_wrapper.cpp -o foreign_wrapper $libs
for program in foreign_c foreign_cpp foreign_wrapper; do
    LD_LIBRARY_PATH=$library ldd "./$program" | grep "libdpmix.so.1 => $library/" >/dev/null ||
        fail "$program does not load the installed library"
    LD_LIBRARY_PATH=$library "./$program" || fail "$program failed"
done
unset DPMIX_LIBRARY
LD_LIBRARY_PATH=$library PYTHONPATH=$work python3 foreign.py || fail "foreign.py failed"

# Installed programs run with the installed library.
for program in $(find "$work/tree" -path '*/bin/*' -type f); do
    LD_LIBRARY_PATH=$library "$program" --version >/dev/null || fail "$program --version failed"
done
