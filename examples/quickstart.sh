#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Builds the library and releases Fashion-MNIST under differential privacy: epsilon 1, delta 1e-5, add/remove.
#
#   sh examples/quickstart.sh                    Fashion-MNIST
#   sh examples/quickstart.sh --generator vae    the same with one thing changed
#   sh examples/quickstart.sh --help             all arguments
#   sh examples/quickstart.sh --images my-images-idx3-ubyte --labels my-labels-idx1-ubyte \
#       --epsilon 1 --delta 1e-6 --adjacency add-remove --output my-release
#                                                data of yours: then every privacy term is yours to give
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$root/build/quickstart
data=/usr/share/datasets/fashion-mnist
packages='gcc libc6-dev meson ninja-build pkg-config'
packages="$packages libblis-pthread-dev liblapacke-dev libsodium-dev zlib1g-dev libsqlite3-dev libjansson-dev libpng-dev"

own_data=no
for argument in "$@"; do
    if [ "$argument" = --images ]; then
        own_data=yes
    fi
done
if [ $own_data = no ]; then
    packages="$packages dataset-fashion-mnist"
fi

stop() {
    echo "quickstart: $1" >&2
    exit 1
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    stop "this is not Debian; install what these packages of Debian hold, then build with meson: $packages"
fi

missing=
for package in $packages; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    *' installed') ;;
    *) missing="$missing $package" ;;
    esac
done
if [ -n "$missing" ]; then
    [ "$(id -u)" -eq 0 ] || stop "some packages are missing; as root, run: apt-get install$missing"
    echo "quickstart: installing$missing"
    apt-get update -q
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
fi

# From nothing where there is none, or one that was moved here or is of another Meson.
if [ ! -f "$build/build.ninja" ] || ! meson setup --reconfigure "$build" "$root" >/dev/null 2>&1; then
    rm -rf "$build"
    meson setup "$build" "$root" --buildtype=release -Dtests=false -Dexamples=true
fi
meson compile -C "$build"
echo

program=$build/examples/release_images
if [ $own_data = yes ]; then
    exec "$program" "$@"
fi
exec "$program" \
    --images "$data/train-images-idx3-ubyte.gz" --labels "$data/train-labels-idx1-ubyte.gz" \
    --test-images "$data/t10k-images-idx3-ubyte.gz" --test-labels "$data/t10k-labels-idx1-ubyte.gz" \
    --epsilon 1 --delta 1e-5 --adjacency add-remove --classes 10 \
    --output "$root/build/quickstart-output" "$@"
