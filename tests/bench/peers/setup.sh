#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Makes the Python environment of the peers (PyTorch and Opacus, about 5 GB) in the build directory; the
# benchmarks that need it are skipped until it is there.
# Usage: setup.sh [BUILD_DIRECTORY]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
environment=${1:-$here/../../../build}/peers
python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --requirement "$here/requirements.txt"
touch "$environment/complete"
