#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The libraries of another processor in a folder, and a file for `meson setup --cross-file`. Debian's, by apt,
# without touching the system: they are unpacked and not installed.
#   sh tests/sysroot.sh i386|s390x FOLDER   prints the name of the file
set -u
case "${1-}" in
i386) triplet=i686-linux-gnu multi=i386-linux-gnu family=x86 endian=little ;;
s390x) triplet=s390x-linux-gnu multi=s390x-linux-gnu family=s390x endian=big ;;
*)
    echo "usage: sh tests/sysroot.sh i386|s390x FOLDER" >&2
    exit 2
    ;;
esac
arch=$1
mkdir -p "$2/lists/partial" "$2/cache/archives/partial" "$2/state" "$2/root" "$2/sources" || exit 1
folder=$(cd "$2" && pwd)
root=$folder/root

apt() {
    apt-get -q -o APT::Architecture="$arch" -o APT::Architectures::="$arch" -o Dir::State="$folder/state" \
        -o Dir::State::status="$folder/status" -o Dir::State::lists="$folder/lists" \
        -o Dir::Cache="$folder/cache" -o Dir::Etc::sourcelist="$folder/none" \
        -o Dir::Etc::sourceparts="$folder/sources" -o APT::Sandbox::User=root "$@" >>"$folder/apt.log" 2>&1
}

if [ ! -e "$folder/complete" ]; then
    : >"$folder/status"
    grep -v '^#' /etc/apt/sources.list.d/debian.sources >"$folder/sources/debian.sources" || exit 1
    apt update
    apt -y --no-install-recommends --download-only install libc6-dev zlib1g-dev libsodium-dev libjansson-dev \
        libsqlite3-dev libcsv-dev check liblapacke-dev libblis-pthread-dev || exit 1
    for package in "$folder"/cache/archives/*.deb; do
        dpkg -x "$package" "$root" || exit 1
    done
    # Where a link leads out of the folder the linker would take the archive beside it.
    find "$root" -type l -lname '/*' | while read -r link; do
        ln -sfn "$root$(readlink "$link")" "$link"
    done
    : >"$folder/complete"
fi

# Debian's alternatives, which make BLAS, LAPACK and BLIS known, are not set up in what is only unpacked.
libraries="$root/usr/lib/$multi/blis-pthread:$root/usr/lib/$multi/lapack:$root/usr/lib/$multi/blas"
libraries="$libraries:$root/usr/lib/$multi:$root/lib/$multi"
links=$(echo "$libraries" | sed "s/[^:]*/'-L&'/g; s/:/, /g")
if [ "$arch" = i386 ]; then # the processor at hand runs it
    run="'$root/lib/$multi/ld-linux.so.2', '--library-path', '$libraries'"
else # names within the root
    run="'qemu-$arch-static', '-L', '$root', '-E', 'LD_LIBRARY_PATH=$(echo "$libraries" | sed "s|$root||g")'"
fi
cat >"$folder/cross.ini" <<END
[binaries]
c = '$triplet-gcc'
ar = '$triplet-ar'
strip = '$triplet-strip'
pkgconfig = 'pkg-config'
exe_wrapper = [$run]
[built-in options]
c_args = ['--sysroot=$root', '-isystem$root/usr/include/$multi/blis-pthread']
c_link_args = ['--sysroot=$root', $links, '-Wl,-rpath-link,$libraries']
[properties]
sys_root = '$root'
pkg_config_libdir = '$root/usr/lib/$multi/pkgconfig'
needs_exe_wrapper = true
[host_machine]
system = 'linux'
cpu_family = '$family'
cpu = '$arch'
endian = '$endian'
END
echo "$folder/cross.ini"
