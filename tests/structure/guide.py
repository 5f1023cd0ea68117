# SPDX-License-Identifier: BSD-3-Clause
"""The examples in doc/guide.md and README.md are true: all compile; the guide's program runs, and prints the
report and the ledger that the guide shows; the README's program is examples/minimal.c.

Usage: guide.py SOURCE_ROOT SHARED_LIBRARY
"""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from house import finish

STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
# What the guide says that its shorter examples have.
FRAGMENT = """#include <dpmix/dpmix.h>
int fragment(dpmix_dataset *records, dpmix_accountant *budget, dpmix_options *options, dpmix_clusterer *parts,
             dpmix_generator *model, dpmix_mixture *mixture);
int fragment(dpmix_dataset *records, dpmix_accountant *budget, dpmix_options *options, dpmix_clusterer *parts,
             dpmix_generator *model, dpmix_mixture *mixture)
{
    int failed = 0;
    (void)records, (void)budget, (void)options, (void)parts, (void)model, (void)mixture;
%s
    return failed;
}
"""


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.M | re.S)


def compile_text(root, text, *arguments):
    compiler = shutil.which("gcc") or shutil.which("clang")
    command = [compiler, *STRICT, "-I", str(root / "include"), "-x", "c", "-", "-x", "none", *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"an example does not compile:\n{text}\n{done.stderr}"]


def same(shown, found):
    """Equal, but for the last digits of numbers, which another mathematical library may round otherwise."""
    if isinstance(shown, dict) and isinstance(found, dict):
        return shown.keys() == found.keys() and all(same(shown[key], found[key]) for key in shown)
    if isinstance(shown, list) and isinstance(found, list):
        return len(shown) == len(found) and all(map(same, shown, found))
    if isinstance(shown, float) or isinstance(found, float):
        return math.isclose(shown, found, rel_tol=1e-9)
    return shown == found


def check_program(root, library, guide, program):
    with tempfile.TemporaryDirectory() as folder:
        faults = compile_text(root, program, str(library), "-o", folder + "/program")
        if faults:
            return faults
        done = subprocess.run([folder + "/program"], cwd=folder, capture_output=True, text=True, check=False,
                              env={**os.environ, "LD_LIBRARY_PATH": str(library.parent)})
    if done.returncode != 0:
        return [f"the guide's program fails: {done.stderr}"]
    lines = set(done.stdout.splitlines())
    shown = [line for report in blocks(guide, "report") for line in report.splitlines()]
    faults = [f"not in the report: {line}" for line in shown if line not in lines]
    ledger = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{\n"):])[0]
    for text in blocks(guide, "json"):
        if not same(json.loads(text), ledger):
            faults.append(f"the ledger is another one: {json.dumps(ledger)}")
    return faults


def main():
    root, library = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    guide, readme = (root / "doc/guide.md").read_text(), (root / "README.md").read_text()
    examples = blocks(guide, "c")
    programs = [text for text in examples if "int main(" in text]
    faults = []
    for program in programs:
        faults += check_program(root, library, guide, program)
    for text in examples:
        if text not in programs:
            faults += compile_text(root, FRAGMENT % text, "-fsyntax-only")
    minimal = (root / "examples/minimal.c").read_text().split("\n", 1)[1]
    if blocks(readme, "c") != [minimal]:
        faults.append("the program in README.md is not examples/minimal.c")
    if not (programs and blocks(guide, "report") and blocks(guide, "json")):
        faults.append("the guide has no program, report or ledger")
    finish(faults, len(examples))


main()
