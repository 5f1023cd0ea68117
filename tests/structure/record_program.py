# SPDX-License-Identifier: BSD-3-Clause
"""examples/record on tiny made-up images: its files fit together, with a teacher and without, and it refuses;
release_images refuses, too.

Usage: record_program.py RECORD RELEASE_IMAGES
"""
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

from house import finish

SIDE, CLASSES, ROWS, RECORDS = 8, 10, 600, 60000
QUICK = ["teacher_records=300", "teacher_steps=8", "threads=2"]


def number(value):
    return value.to_bytes(4, "big")


def write_images(folder):
    """A bright stroke of eight pixels, for each class elsewhere."""
    labels = bytes(random.randrange(CLASSES) for _ in range(ROWS))
    pixels = bytearray()
    for label in labels:
        image = bytearray(random.randrange(60) for _ in range(SIDE * SIDE))
        for place in range(6 * label, 6 * label + 8):
            image[place] = random.randrange(190, 256)
        pixels += image
    (folder / "images").write_bytes(b"\0\0\x08\x03" + number(ROWS) + number(SIDE) * 2 + pixels)
    (folder / "labels").write_bytes(b"\0\0\x08\x01" + number(ROWS) + labels)


def run(record, folder, arguments):
    return subprocess.run([record, f"{folder}/images", f"{folder}/labels", f"{folder}/made", *arguments],
                          capture_output=True, text=True, timeout=200, check=False)


def read(folder, name, sizes):
    """The body of an IDX file of bytes, or None where its head says other sizes or its length does."""
    data = (folder / "made" / f"synthetic-{name}-idx{len(sizes)}-ubyte").read_bytes()
    head, length = bytes([0, 0, 8, len(sizes)]) + b"".join(map(number, sizes)), 1
    for size in sizes:
        length *= size
    return data[len(head):] if data[:len(head)] == head and len(data) == len(head) + length else None


def check_files(faults, what, folder, with_teacher):
    images = read(folder, "images", (RECORDS, SIDE, SIDE))
    labels = read(folder, "labels", (RECORDS,))
    soft = read(folder, "soft-labels", (RECORDS, CLASSES))
    if images is None or labels is None or soft is None:
        faults.append(f"{what}: a file's sizes")
        return
    sure = 0
    for i, label in enumerate(labels):
        line = soft[CLASSES * i:CLASSES * (i + 1)]
        sure += line[label] == 255
        if label >= CLASSES or line[label] != max(line) or abs(sum(line) - 255) > CLASSES / 2:
            faults.append(f"{what}: record {i} has label {label} and soft label {list(line)}")
            return
    if (sure < RECORDS) != with_teacher:
        faults.append(f"{what}: {sure} soft labels are of one class alone")
    if len(set(labels)) < CLASSES / 2 or len(set(images)) < 50:
        faults.append(f"{what}: {len(set(labels))} classes, {len(set(images))} kinds of pixels")


def check_run(faults, record, folder, what, arguments, with_teacher):
    outcome = run(record, folder, ["4", *arguments])
    spent = re.search(r"^epsilon spent: ([\d.]+) of 4 at delta 1e-05$", outcome.stdout, re.MULTILINE)
    if outcome.returncode != 0 or not spent or not 3.99 < float(spent[1]) <= 4:
        faults.append(f"{what}: status {outcome.returncode}: {outcome.stdout}{outcome.stderr[-300:]}")
        return
    ledger = json.loads((folder / "made" / "ledger.json").read_text())
    if ("teacher" in json.dumps(ledger)) != with_teacher:
        faults.append(f"{what}: the ledger is {ledger}")
    check_files(faults, what, folder, with_teacher)


def check_shares(faults, release_images, folder):
    """A share that is none is a bad command line, also where it would leave out the teacher."""
    shares = ("0", "-0.5", "1.5", "2")
    for share in shares:
        arguments = ["--images", f"{folder}/images", "--labels", f"{folder}/labels", "--epsilon", "1", "--delta",
                     "1e-5", "--adjacency", "add-remove", "--output", f"{folder}/none", "--share", share]
        outcome = subprocess.run([release_images, *arguments], capture_output=True, text=True, timeout=200,
                                 check=False)
        if outcome.returncode != 2 or "--share" not in outcome.stderr or (folder / "none").exists():
            faults.append(f"release_images --share {share}: status {outcome.returncode}: {outcome.stderr}")
    return len(shares)


def check_unpaid(faults, record, release_images, folder):
    """What the teacher or the sampling would refuse is refused before anything is spent."""
    images = (folder / "images").read_bytes()
    tall = folder / "tall"
    tall.write_bytes(images[:4] + number(ROWS // 2) + number(SIDE * 2) + number(SIDE) + images[16:])
    half = folder / "half"
    labels = (folder / "labels").read_bytes()
    half.write_bytes(labels[:4] + number(ROWS // 2) + labels[8:8 + ROWS // 2])
    mixed = ["augment_fraction=0.5", "augment_mix=0.5"]
    cases = [("augment_mix", folder / "images", folder / "labels", "1", mixed),
             ("augment_mix", folder / "images", folder / "labels", "0.6", [*mixed, "labels=1"]),
             ("teacher_features", tall, half, "0.6", ["teacher_features=2"])]
    for named, pixels, classes, share, options in cases:
        quick = [release_images, "--images", pixels, "--labels", classes, "--epsilon", "1", "--delta", "1e-5",
                 "--adjacency", "add-remove", "--output", folder / "none", "--share", share, "--records", "50"]
        for option in options:
            quick += ["--option", option]
        for command in (quick, [record, pixels, classes, folder / "none", "1", share, *options]):
            outcome = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=200, check=False)
            if outcome.returncode != 1 or named not in outcome.stderr or (folder / "none").exists():
                faults.append(f"{options}, share {share}: status {outcome.returncode}: {outcome.stderr}")
    return 2 * len(cases)


def check_teacher_fails(faults, release_images, folder):
    """The models are paid for when the teacher cannot be made."""
    arguments = ["--images", f"{folder}/images", "--labels", f"{folder}/labels", "--epsilon", "1", "--delta", "1e-5",
                 "--adjacency", "add-remove", "--output", f"{folder}/kept", "--option", "teacher_clip=1e-300"]
    outcome = subprocess.run([release_images, *arguments], capture_output=True, text=True, timeout=200, check=False)
    if outcome.returncode != 1 or "teacher_clip" not in outcome.stderr or not (folder / "kept/model.dpmix").exists():
        faults.append(f"teacher_clip: status {outcome.returncode}: {outcome.stderr}")
    return 1


def main():
    record, release_images, faults = *sys.argv[1:], []
    random.seed(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_images(folder)
        check_run(faults, record, folder, "with a teacher", QUICK, True)
        check_run(faults, record, folder, "without", ["1", "threads=2"], False)
        bad = [(2, []), (2, ["4", "oracle=1"]), (2, ["4", "0.5", "teacher_steps"]), (1, ["-1"]), (2, ["4x"]),
               (2, ["0,2"]), (2, ["4", "0.5x"]), (2, ["4", "teacher_steps=8.5"]),
               (2, ["4", "teacher_rate=1x"])]
        for status, arguments in bad:
            outcome = run(record, folder, arguments)
            if outcome.returncode != status or outcome.stderr.count("\n") != 1:
                faults.append(f"{arguments}: status {outcome.returncode}: {outcome.stderr}")
        told = subprocess.run([record, "--help"], capture_output=True, text=True, timeout=200, check=False)
        if told.returncode != 0 or "EPSILON" not in told.stdout:
            faults.append(f"--help: status {told.returncode}: {told.stdout}")
        refused = check_shares(faults, release_images, folder)
        refused += check_unpaid(faults, record, release_images, folder)
        refused += check_teacher_fails(faults, release_images, folder)
    finish(faults, 2 + len(bad) + 1 + refused)


main()
