# SPDX-License-Identifier: BSD-3-Clause
"""The programs of examples/ that follow a paper, on tiny made-up data: their tables, and how they refuse.

Usage: paper_programs.py ACS_MIXTURE DP_CGAN ZHOU_EMBEDDINGS
"""
import json
import math
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

from house import finish

SIDE, CLASSES, ROWS = 4, 2, 300
BUDGET = ["--epsilon", "4", "--delta", "1e-4", "--adjacency", "add-remove"]
SHORT = ["--records", "400", "--option", "sampling_rate=0.2"]
VAE = ["--option", "steps=20", "--option", "vae_hidden=8", "--option", "vae_latent=2"]
RBM = ["--generator", "rbm", "--option", "steps=20", "--option", "rbm_hidden=8"]


def number(value):
    return value.to_bytes(4, "big")


def write_images(folder, name, rows, side=SIDE):
    """Two kinds of pictures: the upper half is bright, or the lower one."""
    labels = bytes(random.randrange(CLASSES) for _ in range(rows))
    half = side * side // 2
    pixels = bytearray()
    for label in labels:
        halves = [bytes(random.randrange(low, low + 80) for _ in range(half)) for low in (170, 0)]
        pixels += b"".join(halves if label == 0 else halves[::-1])
    (folder / f"{name}-images").write_bytes(b"\0\0\x08\x03" + number(rows) + number(side) * 2 + pixels)
    (folder / f"{name}-labels").write_bytes(b"\0\0\x08\x01" + number(rows) + labels)


def write_visits(folder):
    """Everybody visits place 0 and half of them place 1, in rows with and without a last line feed."""
    (folder / "visits.txt").write_text("\n".join("0 1" if i % 2 else "0" for i in range(ROWS)))
    (folder / "visits.json").write_text(json.dumps({"rows": ROWS, "columns_used": 2, "columns": 3}))
    (folder / "wide.txt").write_text("0 3\n")
    (folder / "wide.json").write_text('{"columns": 3}')
    (folder / "silent.txt").write_text("0\n")
    (folder / "silent.json").write_text('{"columns_used": 3}')


def run(program, arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=100, check=False)


def table(outcome):
    """First words of the rows, and their figures (None for a dash)."""
    rows = {}
    for line in outcome.stdout.splitlines():
        match = re.fullmatch(r"(\S.{15})((?:  +\S+){8})", line)
        if match and not line.startswith("records"):
            rows[match[1].strip()] = [None if cell == "-" else float(cell) for cell in match[2].split()]
    return rows


def check(faults, what, outcome, expected):
    """expected: row -> the places of its figures that must be known. Returns the rows."""
    rows = table(outcome)
    if outcome.returncode != 0 or set(rows) != set(expected):
        faults.append(f"{what}: status {outcome.returncode}, rows {sorted(rows)}: {outcome.stderr[-300:]}")
        return {}
    for name, places in expected.items():
        known = [place for place, value in enumerate(rows[name]) if value is not None]
        if known != places:
            faults.append(f"{what}: row {name} knows {known}")
    return rows


EPSILON, PARTS, LR, MLP, LR_AREA, MLP_AREA, QUERIES, SECONDS = range(8)
JUDGED = [LR, MLP, LR_AREA, MLP_AREA]
ZERO, REAL = [EPSILON, QUERIES], [EPSILON, *JUDGED, QUERIES]
MODEL, UNJUDGED = list(range(8)), [EPSILON, PARTS, QUERIES, SECONDS]


def check_images(faults, acs_mixture, images):
    for more in (VAE, RBM, VAE + ["--binary", "yes"]):
        arguments = [*images, *BUDGET, *SHORT, "--option", "clusters=2", "--queries", "50", "--classes",
                     str(CLASSES), *more]
        rows = check(faults, " ".join(more), run(acs_mixture, arguments),
                     {"none: answer 0": ZERO, "real": REAL, "mixture": MODEL, "one generator": MODEL})
        if not rows:
            continue
        if any(rows["real"][place] < 99 for place in JUDGED) or rows["real"][QUERIES] != 0:
            faults.append(f"the real records are easy to tell apart: {rows['real']}")
        if [rows[name][PARTS] for name in ("mixture", "one generator")] != [2, 1]:
            faults.append(f"parts: {rows}")
        if any(not 0 < rows[name][EPSILON] <= 4 for name in ("mixture", "one generator")):
            faults.append(f"budget: {rows}")


def check_visits(faults, acs_mixture, folder):
    arguments = ["--visits", str(folder / "visits.txt"), *BUDGET, *SHORT, *VAE, "--rows", "single"]
    rows = check(faults, "visits", run(acs_mixture, arguments),
                 {"none: answer 0": ZERO, "one generator": UNJUDGED})
    # answering 0 is wrong by 1 wherever the truth is not 0: of a third of the queries, one column, that are
    # two in three; of those with two columns one in three
    if rows and not 0.2 < rows["none: answer 0"][QUERIES] < 0.5:
        faults.append(f"visits: {rows}")
    for name in ("wide", "silent", "missing"):
        outcome = run(acs_mixture, ["--visits", str(folder / f"{name}.txt"), *BUDGET])
        if outcome.returncode != 1 or name not in outcome.stderr:
            faults.append(f"{name}: status {outcome.returncode}: {outcome.stderr}")


def check_cgan(faults, dp_cgan, images):
    arguments = [*images, *BUDGET, *SHORT, "--classes", str(CLASSES), "--noise-multiplier", "4", "--option",
                 "cgan_hidden=8", "--option", "cgan_noise=4"]
    outcome = run(dp_cgan, arguments)
    judged = [place for place in MODEL if place != QUERIES]
    rows = check(faults, "dp_cgan", outcome, {"real": [EPSILON, *JUDGED], "CGAN": judged})
    planned = re.match(r"(\d+) steps; noise multiplier of a step: ([\d.]+)\n", outcome.stdout)
    if rows and not (3.9 < rows["CGAN"][EPSILON] <= 4 and planned and 4 <= float(planned[2]) < 4.2):
        faults.append(f"dp_cgan: {outcome.stdout}")
    outcome = run(dp_cgan, [*arguments, "--noise-multiplier", "0.1"])
    if outcome.returncode != 1 or "one step" not in outcome.stderr:
        faults.append(f"dp_cgan without a step: status {outcome.returncode}: {outcome.stderr}")


def write_npy(path, descr, values, *shape):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    code = {"<f4": "f", "<f8": "d", "<i8": "q", "|u1": "B"}[descr]
    path.write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() +
                     struct.pack(f"<{len(values)}{code}", *values))


def read_npy(path):
    """Rows of float32 or labels, as the program writes them: values and shape."""
    data = path.read_bytes()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    header = data[10:start].decode()
    shape = [int(word) for word in re.search(r"'shape': \(([^)]*)\)", header)[1].split(",") if word.strip()]
    code = {"<f4": "f", "|u1": "B"}[re.search(r"'descr': '([^']*)'", header)[1]]
    values = struct.unpack(f"<{(len(data) - start) // struct.calcsize(code)}{code}", data[start:])
    if start % 64 != 0 or len(values) != math.prod(shape):
        raise ValueError(f"{path}: {header}")
    return values, shape


COLUMNS, REACH = 3, 0.8


def write_embeddings(folder, name, rows, kind, label_kind):
    """Class c scatters about the c-th axis; a few rows are far longer than any norm that is declared."""
    labels = [random.randrange(CLASSES) for _ in range(rows)]
    values = []
    for i, label in enumerate(labels):
        row = [random.gauss(REACH if column == label else 0, 0.03) for column in range(COLUMNS)]
        values += [50 * value for value in row] if i % 100 == 0 else row
    write_npy(folder / f"{name}.npy", kind, values, rows, COLUMNS)
    if label_kind == "idx":
        (folder / f"{name}-labels").write_bytes(b"\0\0\x08\x01" + number(rows) + bytes(labels))
    else:
        write_npy(folder / f"{name}-labels", label_kind, labels, rows)


def embedding_rows(outcome):
    """Components and figures of the rows: epsilon, linear, two layers."""
    found = re.findall(r"^(real|\d+) +(\S+) +([\d.]+) +([\d.]+) +\S+$", outcome.stdout, flags=re.M)
    return [(name, None if spent == "-" else float(spent), float(linear), float(layers))
            for name, spent, linear, layers in found]


def check_embeddings(faults, zhou, folder, images):
    """Float64 and IDX labels, float32 and labels of either type: separate classes stay apart; the decoder is
    run for each release, and what it gets are that many labelled rows within the bounds, of the right class."""
    decoder = folder / "decode.sh"
    decoder.write_text('#!/bin/sh\n[ $# = 2 ] && echo "$1 $2" >> "$0.log"\n')
    decoder.chmod(0o755)
    terms = ["--delta", "1e-4", "--adjacency", "add-remove", "--classes", str(CLASSES), "--records", "3000"]
    for kind, label_kind in (("<f8", "idx"), ("<f4", "<i8"), ("<f4", "|u1")):
        write_embeddings(folder, "rows", 4 * ROWS, kind, label_kind)
        write_embeddings(folder, "more", 100, kind, label_kind)
        files = ["--embeddings", f"{folder}/rows.npy", "--labels", f"{folder}/rows-labels",
                 "--test-embeddings", f"{folder}/more.npy", "--test-labels", f"{folder}/more-labels"]
        outcome = run(zhou, [*files, *terms, "--norm", "1", "--epsilon", "30,90", "--components", "1,2", "--output",
                             f"{folder}/out", "--decoder", str(decoder)])
        rows = embedding_rows(outcome)
        if outcome.returncode != 0 or [row[0] for row in rows] != ["real", "1", "2", "1", "2"]:
            faults.append(f"zhou {kind}: status {outcome.returncode}: {outcome.stdout}{outcome.stderr[-300:]}")
            continue
        if any(min(row[2:]) < 95 for row in rows):
            faults.append(f"zhou {kind}: classes that are apart: {rows}")
        if any(not epsilon - 0.1 < row[1] <= epsilon for epsilon, row in zip((30, 30, 90, 90), rows[1:])):
            faults.append(f"zhou {kind}: budgets: {rows}")
        names = [f"{folder}/out-eps{epsilon}-k{k}" for epsilon in (30, 90) for k in (1, 2)]
        log = pathlib.Path(f"{decoder}.log")
        if log.read_text().splitlines() != [f"{name}.npy {name}-labels.npy" for name in names]:
            faults.append(f"zhou {kind}: the decoder was run as {log.read_text()}")
        log.unlink()
        values, shape = read_npy(pathlib.Path(names[-1] + ".npy"))
        labels, label_shape = read_npy(pathlib.Path(names[-1] + "-labels.npy"))
        largest = [max(range(COLUMNS), key=lambda j, i=i: values[COLUMNS * i + j]) for i in range(shape[0])]
        right = sum(a == b for a, b in zip(largest, labels))
        if shape != [3000, COLUMNS] or label_shape != [3000] or max(map(abs, values)) > 1 or right < 2700:
            faults.append(f"zhou {kind}: {shape}, {label_shape}, {right} of 3000 in their class")
    return check_features(faults, zhou, folder, images, terms) + check_bad_embeddings(faults, zhou, files, terms)


def check_features(faults, zhou, folder, images, terms):
    """Images become 243 features, by which even a linear classifier knows the classes; one epsilon, one row."""
    outcome = run(zhou, [*images, *terms, "--records", "100", "--epsilon", "4", "--components", "1"])
    rows = embedding_rows(outcome)
    named = [(row[0], row[1] is None or 3.9 < row[1] <= 4) for row in rows]
    if outcome.returncode != 0 or named != [("real", True), ("1", True)] or rows[0][2] < 95:
        faults.append(f"zhou, images: status {outcome.returncode}: {outcome.stdout}{outcome.stderr[-300:]}")
    if "243 columns" not in outcome.stdout:
        faults.append(f"zhou, images: {outcome.stdout}")
    return 4


def check_bad_embeddings(faults, zhou, files, terms):
    good = [*files, *terms, "--norm", "1", "--epsilon", "1"]
    bad = [(2, files), (2, [*files, *terms, "--epsilon", "1"]), (2, [*good, "--norm", "0"]),
           (2, [*good, "--epsilon", "1,,2"]), (2, [*good, "--components", "two"]), (2, [*good, "--decoder", "true"]),
           (2, [*good, "--components", "1.5"]), (2, [*good, "--components", "nan"]),
           (2, [*good[2:]]), (2, [*good, "--images", files[1]]), (1, [*good, "--labels", files[1]]),
           (1, [*good, "--labels", files[7]]), (1, [*good, "--test-embeddings", files[3]]),
           (1, [*good, "--classes", "1"]), (1, [*good, "--epsilon", "-1"]),
           (1, [*good, "--output", "/nowhere/at/all"]),
           (1, [*good, "--output", files[1], "--decoder", "false", "--real", "no"])]
    for status, arguments in bad:
        outcome = run(zhou, arguments)
        told = [line for line in outcome.stderr.splitlines() if not line.startswith("training")]
        if outcome.returncode != status or len(told) != 1:
            faults.append(f"{arguments[8:]}: status {outcome.returncode}: {outcome.stderr}")
    return len(bad)


def check_usage(faults, acs_mixture, dp_cgan, images):
    bad = [(acs_mixture, [*BUDGET]), (acs_mixture, images), (acs_mixture, images[:4]), (dp_cgan, images),
           (acs_mixture, [*images, *BUDGET, "--visits", "x"]), (dp_cgan, [*images[:4], *BUDGET]),
           (acs_mixture, [*BUDGET, "--visits", "x", "--partition", "label"]),
           (acs_mixture, [*images, *BUDGET, "--generator", "oracle"]),
           (dp_cgan, [*images, *BUDGET, "--option", "steps"]), (dp_cgan, [*images, *BUDGET, "--records"])]
    for program, arguments in bad:
        outcome = run(program, arguments)
        if outcome.returncode != 2 or outcome.stdout or outcome.stderr.count("\n") != 1:
            faults.append(f"{arguments}: status {outcome.returncode}: {outcome.stdout}{outcome.stderr}")
    for program in (acs_mixture, dp_cgan):
        outcome = run(program, ["--help"])
        if outcome.returncode != 0 or "--epsilon" not in outcome.stdout or "clip_norm=" not in outcome.stdout:
            faults.append(f"{program} --help: status {outcome.returncode}")
    return len(bad) + 2


def main():
    acs_mixture, dp_cgan, zhou_embeddings = sys.argv[1:]
    random.seed(1)
    faults = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_images(folder, "fit", ROWS)
        write_images(folder, "test", 100)
        write_visits(folder)
        images = ["--images", f"{folder}/fit-images", "--labels", f"{folder}/fit-labels",
                  "--test-images", f"{folder}/test-images", "--test-labels", f"{folder}/test-labels"]
        check_images(faults, acs_mixture, images)
        check_visits(faults, acs_mixture, folder)
        check_cgan(faults, dp_cgan, images)
        usages = check_usage(faults, acs_mixture, dp_cgan, images)
        write_images(folder, "fit", ROWS, 8)
        write_images(folder, "test", 100, 8)
        embeddings = check_embeddings(faults, zhou_embeddings, folder, images)
    finish(faults, 3 + 4 + 2 + usages + embeddings)


main()
