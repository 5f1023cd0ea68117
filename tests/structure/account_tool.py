# SPDX-License-Identifier: BSD-3-Clause
"""The command dpmix-account: every command and mechanism, its JSON, and how it refuses bad command lines.

Usage: account_tool.py DPMIX_ACCOUNT VERSION
"""
import json
import math
import os
import subprocess
import sys

from house import finish

MECHANISMS = {
    "gaussian:2:10": {"mechanism": "gaussian", "noise": 2, "count": 10},
    "subsampled-gaussian:0.01:1.1:1e3": {"mechanism": "subsampled-gaussian", "rate": 0.01, "noise": 1.1,
                                         "count": 1000},
    "laplace:3": {"mechanism": "laplace", "noise": 3, "count": 1},
    "subsampled-laplace:.1:2:3": {"mechanism": "subsampled-laplace", "rate": 0.1, "noise": 2, "count": 3},
    "geometric:0.3:2": {"mechanism": "geometric", "epsilon": 0.3, "count": 2},
    "randomized-response:0.49": {"mechanism": "randomized-response", "epsilon": 0.49, "count": 1},
    "pure:0.1": {"mechanism": "pure", "epsilon": 0.1, "delta": 0, "count": 1},
    "pure:0.1:1e-9:9223372036854775808": {"mechanism": "pure", "epsilon": 0.1, "delta": 1e-9,
                                          "count": 2 ** 63},
}
# arguments, the least and the largest result: closed forms, and figures of tests/data
FIGURES = [
    ("rdp --order 3 gaussian:2", 0.375, 0.375),
    ("rdp --order 3 gaussian:2:4 --adjacency replace-one", 6, 6),
    ("rdp --order 2 randomized-response:1", 0.73532566405560283, 0.73532566405560283),
    ("rdp --order 2 geometric:1", 0.73532566405560283, 0.73532566405560283),
    ("rdp --order 12 --adjacency replace-one laplace:3", 0.60752236073773077, 0.60752236073773077),
    ("rdp --order 8 subsampled-laplace:0.01:1:1", 0.00034972691023110893, 0.00034972691023110893),
    ("rdp --order 8 subsampled-laplace:0.01:1:1000000", 349.72691023110893, 349.72691023110893),
    ("rdp --order 2 subsampled-gaussian:0.003:0.7:1 --adjacency replace-one", 0.00012886946181677328,
     0.00012886946181677328),
    ("delta --epsilon 1 gaussian:1", 0.12693673750664394, 0.12693673750664394),
    ("delta --epsilon 0.2 --group 8 subsampled-gaussian:0.3:2:1", 0.37127287614657322, 0.37127287614657322),
    ("delta --epsilon 3 pure:1:0.25:2", 0.4375, 0.4375),
    ("epsilon --delta 1e-300 pure:1:0:3", 3, 3),
    ("epsilon --delta 1e-5 pure:1:0.25", math.inf, math.inf),
    ("epsilon --delta 1e-300 pure:49", 49, 49),
]
BAD = [
    "", "epsilon", "nothing", "epsilon --delta 1e-5", "epsilon gaussian:1", "delta gaussian:1",
    "rdp gaussian:1", "epsilon --delta 1e-5 gaussian", "epsilon --delta 1e-5 gaussian:",
    "epsilon --delta 1e-5 gaussian::1", "epsilon --delta 1e-5 gaussian:1:",
    "epsilon --delta 1e-5 gaussian:1:2:3", "epsilon --delta 1e-5 gaussian:1x",
    "epsilon --delta 1e-5 gaussian:1,5", "epsilon --delta 1e-5 gaussian:nan",
    "epsilon --delta 1e-5 gaussian:inf", "epsilon --delta 1e-5 gaussian:-1",
    "epsilon --delta 1e-5 gaussian:+1", "epsilon --delta 1e-5 gaussian:0",
    "epsilon --delta 1e-5 gaussian:0x10", "epsilon --delta 1e-5 gaussian:1e",
    "epsilon --delta 1e-5 gaussian:1e999", "epsilon --delta 1e-5 gaussian:1e-999",
    "epsilon --delta 1e-5 gaussian:.", "epsilon --delta 1e-5 gaussian:1.2.3",
    "epsilon --delta 1e-5 gaussian:1:0", "epsilon --delta 1e-5 gaussian:1:1.5",
    "epsilon --delta 1e-5 gaussian:1:-2", "epsilon --delta 1e-5 gaussian:1:9223372036854775809",
    "epsilon --delta 1e-5 gaussian:1:1e19", "epsilon --delta 1e-5 gaussian:1:99999999999999999999999999",
    "epsilon --delta 1e-5 gaussian:1:0.5e1.0", "epsilon --delta 1e-5 subsampled-gaussian:0.1:1",
    "epsilon --delta 1e-5 subsampled-gaussian:1.1:1:1", "epsilon --delta 1e-5 subsampled-gaussian:0:1:1",
    "epsilon --delta 1e-5 subsampled-laplace:0.1:1",
    "epsilon --delta 1e-5 subsampled-laplace:0.1:1:1 --adjacency replace-one",
    "epsilon --delta 1e-5 pure:1:1", "epsilon --delta 1e-5 pure:1:-1", "epsilon --delta 1e-5 pure:0",
    "epsilon --delta 1e-5 pure:1e-320", "epsilon --delta 1e-5 gauss:1", "epsilon --delta 1e-5 Gaussian:1",
    "epsilon --delta 0 gaussian:1", "epsilon --delta 1 gaussian:1", "epsilon --delta nan gaussian:1",
    "epsilon --delta -1 gaussian:1", "epsilon --delta 1e-5x gaussian:1", "epsilon gaussian:1 --delta",
    "epsilon --delta 1e-5 --delta 1e-5 gaussian:1", "epsilon --delta 1e-5 --epsilon 1 gaussian:1",
    "epsilon --delta 1e-5 --unknown gaussian:1", "--json", "epsilon --delta 1e-5 -h gaussian:1",
    "epsilon --delta 1e-5 --group 0 gaussian:1", "delta --epsilon inf gaussian:1",
    "epsilon --delta 1e-5 --group 65 gaussian:1", "epsilon --delta 1e-5 --group 1.5 gaussian:1",
    "epsilon --delta 1e-5 --group 18446744073709551617 gaussian:1",
    "epsilon --delta 1e-5 --group 2 laplace:1",
    "epsilon --delta 1e-5 --group 2 --adjacency replace-one subsampled-gaussian:0.1:1:1",
    "epsilon --delta 1e-5 --adjacency both gaussian:1", "delta --epsilon -1 gaussian:1",
    "rdp --order 1 gaussian:1", "rdp --order 0.5 gaussian:1", "rdp --order nan gaussian:1",
    "rdp --order 2 pure:1:0.1", "rdp --order 2 --group 2 gaussian:1",
    "sigma --epsilon 1 --delta 1e-5 --q 0.1", "sigma --epsilon 1 --delta 1e-5 --steps 10",
    "sigma --epsilon 1 --q 0.1 --steps 10", "sigma --epsilon 1 --delta 1e-5 --q 0 --steps 10",
    "sigma --epsilon 1 --delta 1e-5 --q 1.1 --steps 10",
    "sigma --epsilon 0 --delta 1e-5 --q 0.1 --steps 10", "sigma --epsilon 1 --delta 1e-5 --q 0.1 --steps 0",
    "sigma --epsilon 1 --delta 1e-5 --q 0.1 --steps 1.5",
    "sigma --epsilon 1 --delta 1e-5 --q 0.1 --steps 10 gaussian:1",
    "delta --epsilon 0 pure:0:0.25 gaussian:1",
]
# What no shell splits: an argument each
BAD_LISTS = [
    [""], ["epsilon", ""], ["epsilon", "--delta", ""], ["epsilon", "--delta", " 1e-5", "gaussian:1"],
    ["epsilon", "--delta", "1e-5", "gaussian: 1"], ["epsilon", "--delta", "1e-5", "two\nlines"],
    ["epsilon", "--delta", "1e-5", "x" * 100000], ["epsilon", "--delta", "1" * 100000, "gaussian:1"],
    ["epsilon", "--delta", "1e-5", "gaussian:1:" + "9" * 100000], ["\x1b[31m"],
    ["epsilon", "--delta", "1e-5", "\u00e9:1"],
]


def run(arguments, **others):
    environment = {**os.environ, "LC_ALL": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8"}
    return subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, check=False,
                          env=environment, **others)


def number(text):
    """The one number on the one line of an answer; its text must be what its value is with 17 digits."""
    value = float(text)
    if text not in (f"{value:.17g}\n", "inf\n"):
        raise ValueError(text)
    return value


def check_figures():
    faults = []
    for arguments, least, most in FIGURES:
        done = run(arguments.split())
        if done.returncode or done.stderr:
            faults.append(f"{arguments}: {done.returncode} {done.stderr}")
            continue
        found = number(done.stdout)
        if not least * (1 - 1e-15) <= found <= most * (1 + 2e-9):
            faults.append(f"{arguments}: {found!r}, not {least!r}")
    return faults


def check_json():
    """Inputs come back as they were given, the result is that of the plain answer."""
    faults = []
    all_but_sampled = [text for text in MECHANISMS if "subsampled-laplace" not in text]
    cases = [(f"epsilon --delta 1e-5 {' '.join(list(MECHANISMS)[:-1])}", {"delta": 1e-5}),
             (f"delta --epsilon 2.5 {' '.join(list(MECHANISMS)[:-1])}", {"epsilon": 2.5}),
             (f"rdp --order 1.5 {' '.join(all_but_sampled[:-1])} --adjacency replace-one", {"order": 1.5}),
             ("epsilon --delta 1e-5 pure:0.1:1e-9:9223372036854775808", {"delta": 1e-5}),
             ("epsilon --group 3 --delta 0.1 gaussian:2:10", {"delta": 0.1, "group": 3}),
             ("sigma --epsilon 1 --delta 1e-5 --q 0.1 --steps 1e2 --adjacency zero-out",
              {"epsilon": 1, "delta": 1e-5, "rate": 0.1, "steps": 100})]
    for arguments, inputs in cases:
        plain, done = run(arguments.split()), run(arguments.split() + ["--json"])
        if plain.returncode or done.returncode or plain.stderr or done.stderr:
            faults.append(f"{arguments}: {plain.stderr}{done.stderr}")
            continue
        answer = json.loads(done.stdout)
        words = arguments.split()
        adjacency = words[words.index("--adjacency") + 1] if "--adjacency" in words else "add-remove"
        wanted = {"command": words[0], "adjacency": adjacency, "group": 1, "version": sys.argv[2], **inputs}
        if words[0] != "sigma":
            wanted["mechanisms"] = [MECHANISMS[word] for word in words if word in MECHANISMS]
        found = number(plain.stdout)
        wanted["result"] = None if math.isinf(found) else found
        note = answer.pop("note", "")
        if answer != wanted:
            faults.append(f"{arguments}: {answer}, not {wanted}")
        if not note or done.stdout.count("\n") != 1:
            faults.append(f"{arguments}: {done.stdout}")
    return faults


def check_sigma():
    """What is planned with sigma meets the epsilon that was asked for, and only just."""
    faults = []
    for adjacency in ("add-remove", "replace-one", "zero-out"):
        asked = ["--delta", "1e-6", "--adjacency", adjacency]
        done = run(["sigma", "--epsilon", "2", "--q", "0.01", "--steps", "500", *asked])
        sigma = done.stdout.strip()
        epsilon = number(run(["epsilon", *asked, f"subsampled-gaussian:0.01:{sigma}:500"]).stdout)
        if not 2 * (1 - 1e-6) <= epsilon <= 2:
            faults.append(f"sigma {sigma} under {adjacency}: epsilon {epsilon}")
    return faults


def check_refusals():
    faults = []
    for arguments in [bad.split() for bad in BAD] + BAD_LISTS:
        done = run(arguments)
        one_line = done.stderr.count("\n") == 1 and done.stderr.endswith("\n")
        if done.returncode != 2 or done.stdout or not one_line:
            faults.append(f"{str(arguments)[:200]}: {done.returncode}, {done.stdout!r}, {done.stderr!r}")
        if len(done.stderr) > 400 or not done.stderr.isascii():
            faults.append(f"{str(arguments)[:200]}: what it says on stderr is no plain line")
    return faults


def check_rest():
    faults = []
    for arguments in (["--help"], ["epsilon", "--help"], ["nonsense", "--help"]):
        done = run(arguments)
        named = all(f"  {name.split(':')[0]}:" in done.stdout for name in MECHANISMS)
        if done.returncode or done.stderr or not named:
            faults.append(f"{arguments}: {done.returncode} {done.stdout}{done.stderr}")
    done = run(["--version"])
    if (done.returncode, done.stdout, done.stderr) != (0, f"dpmix-account {sys.argv[2]}\n", ""):
        faults.append(f"--version: {done.returncode} {done.stdout}{done.stderr}")
    many = run(["rdp", "--order", "2"] + ["gaussian:1"] * 5000)
    if many.returncode or not 5000 <= number(many.stdout) <= 5000 * (1 + 1e-9):
        faults.append(f"many mechanisms: {many.returncode} {many.stderr}")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([sys.argv[1], "--help"], stdout=full, stderr=subprocess.PIPE, text=True,
                                  check=False)
        if done.returncode != 1 or done.stderr.count("\n") != 1:
            faults.append(f"a full disk: {done.returncode} {done.stderr}")
    return faults


def main():
    checks = [check_figures, check_json, check_sigma, check_refusals, check_rest]
    finish([fault for check in checks for fault in check()], len(FIGURES) + len(BAD) + len(BAD_LISTS))


main()
