# SPDX-License-Identifier: BSD-3-Clause
"""One version everywhere: header, project, loaded library, file name and pkg-config.

Usage: version.py SOURCE_ROOT BUILD_ROOT SHARED_LIBRARY PROJECT_VERSION
"""
import ctypes
import os
import pathlib
import re
import subprocess
import sys

from house import finish


def main():
    source_root, build_root, shared, project = sys.argv[1:]
    header = re.search(r'^#define DPMIX_VERSION "(.*)"$',
                       pathlib.Path(source_root, "include/dpmix/version.h").read_text(), flags=re.M)[1]
    library = ctypes.CDLL(str(pathlib.Path(shared).resolve()))
    library.dpmix_version.restype = ctypes.c_char_p
    found = {
        "the project": project,
        "dpmix_version()": library.dpmix_version().decode(),
        "the library's file": pathlib.Path(shared).resolve().name.removeprefix("libdpmix.so."),
        "pkg-config": subprocess.run(
            ["pkg-config", "--modversion", "dpmix"], capture_output=True, text=True, check=True,
            env={**os.environ, "PKG_CONFIG_LIBDIR": build_root + "/meson-private"}).stdout.strip(),
    }
    faults = [f"{place} has version {version}, the header {header}"
              for place, version in found.items() if version != header]
    if not re.fullmatch(r"\d+\.\d+\.\d+", header):
        faults.append(f"{header} is not three numbers")
    finish(faults, len(found))


main()
