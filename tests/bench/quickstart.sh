#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The quickstart's release of Fashion-MNIST, with the quickstart's terms; its figures go to stdout.
# Usage: quickstart.sh PROGRAM, with DPMIX_FASHION_MNIST in the environment
set -eu
data=$DPMIX_FASHION_MNIST
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" --images "$data/train-images-idx3-ubyte.gz" --labels "$data/train-labels-idx1-ubyte.gz" \
    --test-images "$data/t10k-images-idx3-ubyte.gz" --test-labels "$data/t10k-labels-idx1-ubyte.gz" \
    --epsilon 1 --delta 1e-5 --adjacency add-remove --classes 10 \
    --output "$work/release" --json "$work/figures" >&2
cat "$work/figures"
