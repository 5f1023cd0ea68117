# SPDX-License-Identifier: BSD-3-Clause
"""Every public header compiles alone, as C11 and as C++17, without a warning; every number in them is pinned
by tests/api/constants_test.c. Those in .hpp are for C++17 and later alone, and refuse C.

Usage: headers.py SOURCE_ROOT
"""
import pathlib
import re
import shutil
import subprocess
import sys

from house import finish, without_comments

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wstrict-prototypes", "-Werror", "-fsyntax-only"]
LANGUAGES = [
    ("c", ["-x", "c", "-std=c11"], ["gcc", "clang"]),
    ("c++", ["-x", "c++", "-std=c++17"], ["g++", "clang++"]),
]


def compile_alone(compiler, language, flags, include, header):
    strict = [flag for flag in STRICT if language == "c" or flag != "-Wstrict-prototypes"]
    done = subprocess.run([compiler, *flags, *strict, "-I", include, "-"],
                          input=f"#include <dpmix/{header.name}>\n", capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"{header.name} with {compiler} as {language}:\n{done.stderr}"]


def check_cpp(root, headers):
    """Each of the wrapper's headers; dpmix.hpp, which is all of them, with every compiler that is there and in both
    standards; as C they stop with a message."""
    include, faults = str(root / "include"), []
    umbrella = [header for header in headers if header.name == "dpmix.hpp"]
    for number, name in enumerate(filter(shutil.which, LANGUAGES[1][2])):
        for standard in ("-std=c++17", "-std=c++20"):
            for header in umbrella if number or standard != "-std=c++17" else headers:
                faults += compile_alone(name, "c++", ["-x", "c++", standard], include, header)
    text = umbrella[0].read_text()
    faults += [f"dpmix.hpp does not include {header.name}" for header in headers
               if header not in umbrella and f"#include <dpmix/{header.name}>" not in text]
    for name in list(filter(shutil.which, LANGUAGES[0][2]))[:1]:
        for header in headers:
            if not any("C++17 and later" in fault
                       for fault in compile_alone(name, "c", LANGUAGES[0][1], include, header)):
                faults.append(f"{header.name}: C is not told that it is for C++")
    return faults


def check_alone(root, headers):
    """Both languages, with every compiler that is there; one of each at least."""
    faults = []
    for language, flags, names in LANGUAGES:
        compilers = [name for name in names if shutil.which(name)]
        if not compilers:
            faults.append(f"no compiler for {language}: one of {', '.join(names)} is needed")
        for compiler in compilers:
            for header in headers:
                faults += compile_alone(compiler, language, flags, str(root / "include"), header)
    return faults


def check_included(headers):
    """dpmix.h is all of them, and each guards itself against a second time."""
    umbrella = next(header for header in headers if header.name == "dpmix.h").read_text()
    faults = [f"dpmix.h does not include {header.name}" for header in headers
              if header.name != "dpmix.h" and f"#include <dpmix/{header.name}>" not in umbrella]
    return faults + [f"{header.name}: no include guard" for header in headers
                     if f"#ifndef DPMIX_{header.stem.upper()}_H\n" not in header.read_text()]


def check_pinned(root, headers):
    pins = dict(re.findall(r"PIN\((\w+), (-?\d+)\)", (root / "tests/api/constants_test.c").read_text()))
    faults = []
    for header in headers:
        text = without_comments(header.read_text())
        for name, value in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(DPMIX_\w+)[ \t]+(\S+)", text, flags=re.M):
            if re.search(r"\d", value) and not value.startswith('"') and name not in pins:
                faults.append(f"{header.name}: {name} is not pinned in tests/api/constants_test.c")
        if re.search(r"\benum\b", text):
            faults.append(f"{header.name}: an enum; its size may change with its values")
        if header.name != "arrow.h" and re.search(r"\bstruct\s+\w*\s*\{", text):  # Arrow froze its structs
            faults.append(f"{header.name}: a struct with a layout")
    return faults


def main():
    root = pathlib.Path(sys.argv[1])
    headers = sorted((root / "include/dpmix").glob("*.h"))
    wrappers = sorted((root / "include/dpmix").glob("*.hpp"))
    finish(check_alone(root, headers) + check_cpp(root, wrappers) + check_included(headers) + check_pinned(root, headers),
           len(headers) + len(wrappers))


main()
