# SPDX-License-Identifier: BSD-3-Clause
"""The examples in doc/guide.md and README.md are true: all compile; the guide's program runs, and prints the
report and the ledger that the guide shows; its programs in C++ and Python run, and so does what the README of the
Python package shows; the README's program is examples/minimal.c.

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


# What the Python package's README says that its reader has.
PYTHON = """import json, pathlib, dpmix
rows, labels = [[i % 256] * 784 for i in range(200)], [i % 10 for i in range(200)]
_schema = dpmix.Schema().integer("age", 17, 90).categorical("job", ["clerk", "nurse"], other="another")
_text = [[str(17 + i % 70), ["clerk", "nurse", "smith"][i % 3]] for i in range(300)]
frame = dpmix.Generator("gaussian").fit(dpmix.Dataset.from_text(_text, _schema),
                                        dpmix.Accountant(9.0, 1e-5, "add-remove"), 1.0).stream(_schema, 300)
_schema.save("schema.json")
pathlib.Path("people.csv").write_text("age,job\\n" + "".join(",".join(row) + "\\n" for row in _text))
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


def check_python(root, library, place, prelude):
    """The examples of a page in one program, in a folder of its own."""
    program = prelude + "".join(blocks((root / place).read_text(), "python"))
    environment = {**os.environ, "PYTHONPATH": str(root / "bindings/python"), "DPMIX_LIBRARY": str(library)}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True,
                              check=False, env=environment)
    return [] if done.returncode == 0 else [f"{place}: the Python examples fail: {done.stderr}"]


def check_cpp(root, library, guide):
    compiler = shutil.which("g++") or shutil.which("clang++")
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for text in blocks(guide, "cpp"):
            command = [compiler, "-std=c++17", *STRICT[1:], "-I", str(root / "include"), "-x", "c++", "-",
                       "-x", "none", str(library), "-o", "program"]
            for step, given in ((command, text), (["./program"], "")):
                done = subprocess.run(step, input=given, cwd=folder, capture_output=True, text=True, check=False,
                                      env={**os.environ, "LD_LIBRARY_PATH": str(library.parent)})
                if done.returncode != 0:
                    faults.append(f"an example in C++ fails:\n{text}\n{done.stderr}")
                    break
    return faults


def main():
    root, library = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
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
    faults += check_cpp(root, library, guide) + check_python(root, library, "doc/guide.md", "")
    faults += check_python(root, library, "bindings/python/README.md", PYTHON)
    if not (programs and blocks(guide, "report") and blocks(guide, "json")):
        faults.append("the guide has no program, report or ledger")
    finish(faults, len(examples))


main()
