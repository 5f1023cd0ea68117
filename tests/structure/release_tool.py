# SPDX-License-Identifier: BSD-3-Clause
"""The program dpmix-release on small made-up tables: what it reads, writes and refuses, and how it ends when
it is interrupted. The records hold canaries, which may stand in no message and in no report.

Usage: release_tool.py DPMIX_RELEASE VERSION
"""
import csv
import gzip
import io
import json
import os
import pathlib
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from house import finish
from release_case import (CANARY, LINES, NAMES, QUOTED, ROWS, SCHEMA, Case, Page, csv_text, field,
                          make_records)

COLUMNS = ", ".join(f'"{name}"' for name in NAMES)  # in SQL
VAE = ["--generator", "vae", "--option", "vae_hidden=8"]
FILES = {"synthetic.csv", "model.dpmix", "ledger.json"}


def check_files(case, output, compared):
    """The folder has whole files and no others, and none but the records can hold a private value."""
    report = "report-NOT-FOR-RELEASE.html" if compared else "report.html"
    if {path.name for path in output.iterdir()} != FILES | {report}:
        case.fault(f"{output}: {sorted(output.iterdir())}")
    for name in ("ledger.json", "report.html"):
        if (output / name).exists():
            case.look_for_canaries(name, (output / name).read_text(encoding="utf-8"))
    if compared and any(path.stat().st_mode & 0o077 for path in (output, output / report)):
        case.fault(f"{report}: others may read it")
    json.loads((output / "ledger.json").read_text(encoding="utf-8"))
    text = (output / report).read_text(encoding="utf-8")
    page = Page(text)
    case.faults += [f"{report}: {fault}" for fault in page.faults]
    if "http:" in text or "https:" in text or "//" in text or "@import" in text or "url(" in text:
        case.fault(f"{report}: refers to another place")
    stamps = page.words.count("NOT FOR RELEASE")
    if compared != (stamps >= 3) or (not compared and stamps > 0):
        case.fault(f"{report}: {stamps} stamps")
    real = [bar for bar in page.bars if bar[1].endswith("(real)")]
    told = [words in page.words for words in ("Total variation", "real records")]
    if told + [bool(real)] != [compared] * 3:
        case.fault(f"{report}: {len(real)} bars of real records")
    if "epsilon 50" not in page.words or "at most 2 records of each person" not in page.words.lower():
        case.fault(f"{report}: the promise is missing")
    return page


def parse_records(path):
    """Rows of a CSV file; None for a field without a byte."""
    text = path.read_bytes().decode()
    marked = re.sub(r'(?<![^,\n])""(?=[,\r])', '"\x01"', text)
    rows = list(csv.reader(io.StringIO(marked, newline=""), strict=True))
    return rows[0], [[None if cell == "" else cell.replace("\x01", "") for cell in row] for row in rows[1:]]


def check_records(case, path, n):
    names, rows = parse_records(path)
    if names != NAMES[:-1] or len(rows) != n or not path.read_bytes().endswith(b"\r\n"):
        case.fault(f"synthetic records: {names}, {len(rows)} rows")
    for age, town, income, school, member, born, pays in rows:
        fine = (0 <= int(age) <= 99 and town in (QUOTED, LINES, "plain", "elsewhere") and
                (income is None or 1 <= float(income) <= 100000) and school in ("none", "some", "much") and
                member in ("true", "false") and "1900-01-01" <= born <= "2023-12-31" and pays in ("", "yes"))
        if not fine:
            case.fault(f"not in the schema: {[age, town, income, school, member, born, pays]}")
            return
    if not any(row[2] is None for row in rows) or not any(row[6] == "" for row in rows):
        case.fault("nulls or empty texts are lost")


def real_parts(page):
    """(column, bin) -> percent, of the real records."""
    found = {}
    for column, bar in page.bars:
        match = re.fullmatch(r"(.*): ([\d.]+) % \(real\)", bar, flags=re.S)
        if match:
            found[column, match[1]] = float(match[2])
    return found


def check_formats(case):
    """All ways to hand over the same records give the same real figures, and those are right."""
    records = make_records()
    database = sqlite3.connect(case.folder / "people.db")
    table = 'a "table" of \'people\''
    quoted = '"' + table.replace('"', '""') + '"'
    database.execute(f"create table {quoted} (extra blob, {COLUMNS})")
    database.executemany(f"insert into {quoted} values (x'00', {','.join('?' * len(NAMES))})",
                         [[int(r[0])] + r[1:2] + [r[2] and float(r[2])] + r[3:] for r in records])
    database.commit()
    database.close()
    turned = [[cell, *record[::-1]] for cell, record in zip(["x,y"] * ROWS, records)]
    sources = {
        "plain": ["--csv", case.csv],
        "CRLF": ["--csv", case.write("crlf.csv", csv_text(records, end="\r\n"))],
        "gzip": ["--csv", case.write("people.csv.gz", gzip.compress(csv_text(records)))],
        "mark": ["--csv", case.write("mark.csv", b"\xef\xbb\xbf" + csv_text(records) + b"\n\r\n\n")],
        "order": ["--csv", case.write("order.csv", csv_text(turned, ["unknown", *NAMES[::-1]]))],
        "no end": ["--csv", case.write("end.csv", csv_text(records)[:-1])],
        "SQLite": ["--sqlite", case.folder / "people.db", "--table", table],
    }
    wanted = {("town <&>", town): 25 for town in (QUOTED, LINES, "plain", "elsewhere")}
    wanted |= {("member", "true"): 50, ("income", "(null)"): 20, ("income", "2.371e+04 to 4.87e+04"): 20,
               ("school", "some"): 100 / 3, ("pays", ""): 50, ("pays", "yes"): 50}
    first = None
    for name, source in sources.items():
        output, ledger = case.fresh()
        done = case.run(case.arguments(output, ledger, "--yes", "--compare-nonprivate", source=source))
        if done.returncode != 0 or "WARNING" not in done.stderr:
            case.fault(name, done)
            continue
        found = real_parts(check_files(case, output, True))
        check_records(case, output / "synthetic.csv", 500)
        first = first or found
        if found != first or any(abs(found.get(key, -9) - value) > 0.2 for key, value in wanted.items()):
            case.fault(f"{name}: {dict(set(found.items()) ^ set(first.items()))}, wanted {wanted}")


def check_reals(case):
    """SQLite's reals, which statistics programs write where a null is among whole numbers, are those numbers."""
    database = sqlite3.connect(case.folder / "reals.db")
    database.execute(f"create table whole ({', '.join(f'{name!r} real' for name in ('c', 'listed', 'b', 'person'))})")
    database.executemany("insert into whole values (?, ?, ?, ?)",
                         [[i % 3 + 1, i % 2, i % 2, 1234567890123400 + i] for i in range(600)])
    database.execute("create table large as select c, listed, b, person + 9e15 as person from whole")
    database.execute("create table parts as select c, listed, b, person + 0.5 as person from whole")
    database.commit()
    database.close()
    schema = {"dpmix_schema": 1, "columns": [
        {"name": "c", "kind": "categorical", "values": ["1", "2", "3"]},
        {"name": "listed", "kind": "categorical", "values": ["1.0", "0.0"]}, {"name": "b", "kind": "boolean"},
        {"name": "person", "kind": "unit", "max_rows": 1}]}
    path = case.write("reals.json", json.dumps(schema).encode())

    def arguments(table):
        made = case.arguments(*case.fresh(), "--yes", "--compare-nonprivate",
                              source=["--sqlite", case.folder / "reals.db", "--table", table])
        made[made.index(str(case.schema))] = str(path)
        return made
    wanted = {("c", "1"): 100 / 3, ("c", "3"): 100 / 3, ("listed", "0.0"): 50, ("b", "true"): 50}
    made = arguments("whole")
    done = case.run(made)
    output = pathlib.Path(made[made.index("--output") + 1])
    found = {} if done.returncode else real_parts(Page((output / "report-NOT-FOR-RELEASE.html").read_text("utf-8")))
    if any(abs(found.get(key, -9) - value) > 0.2 for key, value in wanted.items()):
        case.fault(f"whole numbers in columns of reals: {found}", done)
    for table in ("large", "parts"):  # two persons could become one
        made = arguments(table)
        output = pathlib.Path(made[made.index("--output") + 1])
        case.refused(table, made, output, "row 1", "column 'person'", warned=True)


def check_many_values(case):
    """An ordinal column with more values than a chart has bars: they have the names of what is in them."""
    values = [f"v{i:03d}" for i in range(300)]
    schema = {"dpmix_schema": 1, "columns": [
        {"name": "z", "kind": "ordinal", "values": values, "nullable": True, "outside": "null"},
        {"name": "a", "kind": "boolean"}]}
    path = case.write("many.json", json.dumps(schema).encode())
    for cell, wanted in (("v003", "v002"), ("v150", "v149"), ("v298", "v298"), ("v299", "v299"), ("", "(null)")):
        output, ledger = case.fresh()
        source = ["--csv", case.write("many.csv", ("z,a\n" + f"{cell},true\n" * 300).encode())]
        made = case.arguments(output, ledger, "--yes", "--compare-nonprivate", source=source)
        made[made.index(str(case.schema))] = str(path)
        done = case.run(made)
        found = {} if done.returncode else real_parts(Page((output / "report-NOT-FOR-RELEASE.html").read_text("utf-8")))
        if found.get(("z", wanted), 0) < 99:
            case.fault(f"{cell!r} is in the bar {[bar for bar, part in found.items() if part > 99]}", done)


def check_release(case):
    """Without a comparison: asked and answered; other models, in shares of one budget."""
    output, ledger = case.fresh()
    done = case.run(case.arguments(output, ledger), "yes\n")
    if done.returncode != 0 or not re.match("Plan for data set 'table'.*Type yes", done.stdout, flags=re.S):
        case.fault("asked", done)
    else:
        check_files(case, output, False)
        check_records(case, output / "synthetic.csv", 500)
    if abs(case.spent(ledger) - 50) > 1e-3:
        case.fault(f"spent: {case.spent(ledger)}")
    again = case.fresh()[0]
    case.refused("used up", case.arguments(again, ledger, "--yes"), again, "--ledger", "does not cover")
    case.refused("another budget", case.arguments(again, ledger, "--yes", epsilon="60"), again, "--ledger",
                 "epsilon")
    ledger = case.fresh()[1]
    vae = [*VAE, "--option", "steps=20", "--yes", "--share", "0.5"]
    kmeans = [*vae, "--partition", "kmeans", "--option", "clusters=2"]
    products = ["--generator", "products", "--yes", "--share", "0.5"]
    for more, spent in ((vae, 25), (kmeans, 37.5), (products, 43.75)):
        output = case.fresh()[0]
        done = case.run(case.arguments(output, ledger, *more))
        if done.returncode != 0 or "time left" in done.stderr or "100 %" not in done.stderr:
            case.fault(f"{more}", done)
        elif abs(case.spent(ledger) - spent) > 1e-2:
            case.fault(f"{more}: {case.spent(ledger)} is spent, not {spent}")


def check_categories(case):
    """What nine of ten records have, among forty values, most Gaussian records have, too: they are not drawn from
    numbers that are no probabilities."""
    towns = [f"town {i}" for i in range(40)]
    columns = [SCHEMA["columns"][0], {"name": "town", "kind": "categorical", "values": towns}]
    schema = case.write("towns.json", json.dumps({"dpmix_schema": 1, "columns": columns}).encode())
    rows = [[str(i * 37 % 100), towns[0 if i % 10 else i // 10 % 40]] for i in range(ROWS)]
    source = ["--csv", case.write("towns.csv", csv_text(rows, ["age", "town"]))]
    output, ledger = case.fresh()
    done = case.run([str(schema) if x == str(case.schema) else x
                     for x in case.arguments(output, ledger, "--yes", source=source)])
    found = [row[1] for row in parse_records(output / "synthetic.csv")[1]] if done.returncode == 0 else []
    if found.count(towns[0]) < 400:
        case.fault(f"categories: {found.count(towns[0])} of {len(found)}, not 450", done)


def check_person(case):
    """What is told for a person is the ledger's figure for the records that one may have; for twice as many where
    another person takes the place. It holds for a ledger whose other releases used no more records of each."""
    columns = [*SCHEMA["columns"][:-1], {**SCHEMA["columns"][-1], "max_rows": 5}]
    schema = case.write("five.json", json.dumps({**SCHEMA, "columns": columns}).encode())
    for adjacency, group in (("add-remove", 5), ("zero-out", 5), ("replace-one", 10)):
        output, ledger = case.fresh()
        given = {str(case.schema): str(schema), "add-remove": adjacency}
        done = case.run([given.get(x, x) for x in case.arguments(output, ledger, "--yes", epsilon="1")])
        if done.returncode != 0 or "Epsilon is for one record. Of each person at most 5" not in done.stdout:
            case.fault(f"persons, {adjacency}", done)
            continue
        words = Page((output / "report.html").read_text(encoding="utf-8")).words
        told = re.search(r"together epsilon is ([\d.]+):", words)
        listed = re.search(rf"epsilon ([\d.]+) for {group} records", words)
        if not told or not listed or abs(float(told[1]) / float(listed[1]) - 1) > 2e-3:
            case.fault(f"persons, {adjacency}: {told and told[0]}, {listed and listed[0]}")
        for part in ("at most 73.2 % sure", "a change of two records",
                     "no release in the ledger below used more records of each person"):
            if part not in words:
                case.fault(f"persons, {adjacency}: the report does not say '{part}'")


def check_filter(case):
    """An adaptive ledger: what is promised is its budget, and a planned one is something else."""
    output, ledger = case.fresh()
    done = case.run(case.arguments(output, ledger, "--mode", "renyi", "--share", "0.5", "--yes"))
    if done.returncode != 0:
        case.fault("filter", done)
        return
    words = check_files(case, output, False).words
    if "figures of the whole budget" not in words or "there is no figure for a ledger" not in words:
        case.fault("filter: the budget is not what is promised")
    again = case.fresh()[0]
    case.refused("filter or plan", case.arguments(again, ledger, "--yes"), again, "--ledger", "mode")
    gaussian = case.arguments(again, case.fresh()[1], "--mode", "gaussian", *VAE)
    case.refused("filter of Gaussians", gaussian, again, "sampl")


def check_refusals(case):
    """By the user, by a folder that is in use, and by a file that cannot be written."""
    output, ledger = case.fresh()
    case.refused("no", case.arguments(output, ledger), output, "nothing was read or spent", answer="no\n")
    case.refused("no answer", case.arguments(output, ledger), output, "nothing was read or spent")
    if case.spent(ledger) != 0:
        case.fault("a plan spends")
    output.mkdir()
    (output / "mine.txt").write_text("mine")
    if case.run(case.arguments(output, ledger, "--yes")).returncode != 1 or case.spent(ledger) != 0:
        case.fault("a folder that is not empty")
    if [path.name for path in output.iterdir()] != ["mine.txt"]:
        case.fault("a folder of others is touched")
    (case.folder / "link").symlink_to(case.folder / "nowhere")
    for name in (case.folder / "link", ""):
        ledger = case.fresh()[1]
        done = case.run(case.arguments(name, ledger, "--yes"), cwd=case.folder)
        if done.returncode != 1 or "--output" not in done.stderr or case.spent(ledger) != 0:
            case.fault(f"the output '{name}' is refused before it is paid for", done)
    if list(case.folder.glob("*.partial-*")):
        case.fault("a refused output leaves a folder")
    output, ledger = case.fresh()
    output.mkdir(mode=0o700)
    case.run(case.arguments(output, ledger, "--yes"))
    if output.stat().st_mode & 0o777 != 0o700 or not (output / "synthetic.csv").exists():
        case.fault("an empty folder loses its mode")
    output, ledger = case.fresh()
    done = case.run(case.arguments(output, ledger, "--yes", "--records", "100000"),
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    if done.returncode != 1 or "synthetic.csv: File too large" not in done.stderr:
        case.fault("a disk that is full", done)
    if "epsilon 50 of 50 is spent" not in done.stderr:
        case.fault("what a run spent that failed", done)
    kept = [path.name for path in output.glob("*")] + case.leftovers(output)
    if sorted(kept) != ["ledger.json", "model.dpmix", output.name]:
        case.fault(f"of a model that was paid for there is {kept}")
    output, ledger = case.fresh()
    reader, writer = os.pipe()
    os.close(reader)  # as behind `2>&1 | head`
    done = subprocess.run(case.arguments(output, ledger, "--yes"), stdout=subprocess.DEVNULL, stderr=writer,
                          check=False, timeout=100)
    os.close(writer)
    if not (output / "synthetic.csv").exists():
        case.fault(f"nobody reads what it tells: status {done.returncode}")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(case.arguments(*case.fresh(), "--plan"), stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False, timeout=100)
        if done.returncode != 1 or "standard output" not in done.stderr:
            case.fault(f"a plan that nobody can read: status {done.returncode}, {done.stderr!r}")


def bad_tables():
    """name -> bytes and what the message must have."""
    records, canary = csv_text(make_records()).split(b"\n", 1)[1], CANARY.encode()
    good = csv_text([[CANARY if name == "town <&>" else "1" for name in NAMES]])
    head, one = good.split(b"\n")[0] + b"\n", good.split(b"\n")[1] + b"\n"

    def town(text):  # in the third line
        return good + one.replace(canary, text)

    return {
        "quote in a field": (town(canary + b'"'), ["line 3, field 2", "quote"]),
        "text behind a quote": (town(b'"a"' + canary), ["line 3, field 2", "quote"]),
        "open quote": (town(b'"' + canary) + one, ["line 3", "not closed"]),
        "few fields": (csv_text([make_records()[1]]) + one[:-3] + b"\n", ["line 4", "fewer fields"]),
        "many fields": (good + one[:-1] + b",1\n", ["line 3, field 9", "more fields"]),
        "Latin-1": (town(canary + b"\xfc"), ["line 3, field 2", "UTF-8"]),
        "overlong": (town(b"\xc0\xaf"), ["line 3, field 2", "UTF-8"]),
        "surrogate": (town(b"\xed\xa0\x80"), ["line 3, field 2", "UTF-8"]),
        "zero byte": (town(b"a\0b"), ["line 3, field 2", "zero"]),
        "no header": (records, ["column 'age'", "missing"]),
        "semicolons": (csv_text(make_records()).replace(b",", b";"), ["column 'age'", "missing", "there: "]),
        "missing column": (csv_text([], NAMES[1:]) + one[2:], ["column 'age'", "missing"]),
        "column twice": (csv_text([], NAMES + ["age"]), ["column 'age'", "twice"]),
        "empty": (b"", ["empty"]),
        "no records": (head, []),
        "cut gzip": (gzip.compress(records)[:-200], []),
        "broken gzip": (gzip.compress(csv_text(make_records()))[:500] + b"x" * 3000, []),
    }


def check_bad_tables(case):
    output, ledger = case.fresh()
    for name, (content, parts) in bad_tables().items():
        path = case.write("bad.csv", content)
        for more in (["--csv", path], ["--csv", case.csv, "--compare-nonprivate", "--test", path]):
            done = case.arguments(output, ledger, "--yes", source=more)
            case.refused(f"{name} {more[2:3]}", done, output, "bad.csv", *parts, warned=len(more) > 2)
    for source, part in ((["--csv", case.folder / "absent.csv"], "absent.csv"),
                         (["--csv", case.folder], case.folder.name),
                         (["--sqlite", case.csv, "--table", "a"], "people.csv"),
                         (["--sqlite", case.folder / "absent.db", "--table", "a"], "absent.db"),
                         (["--sqlite", case.folder / "people.db", "--table", "a\"b"], 'a"b')):
        case.refused(f"{source}", case.arguments(output, ledger, "--yes", source=source), output, part)
    database = sqlite3.connect(case.folder / "bad.db")
    database.execute(f"create table t ({COLUMNS})")
    database.execute("create view few as select age from t")
    database.execute(f"insert into t values (1, cast('{CANARY}' as blob), 1, 1, 1, 1, 1, 1)")
    database.commit()
    database.close()
    for table, parts in (("t", ["row 1", "column 'town <&>'"]), ("few", ["column 'town <&>'", "missing"])):
        source = ["--sqlite", case.folder / "bad.db", "--table", table]
        case.refused(table, case.arguments(output, ledger, "--yes", source=source), output, "bad.db", *parts)
    if case.spent(ledger) != 0:
        case.fault("a table that cannot be read costs")
    for content in (b"", b"{}", b'{"dpmix_schema": 1, "columns": [{"name": "a", "kind": "number"}]}',
                    json.dumps({**SCHEMA, "columns": SCHEMA["columns"][6:]}).encode()):  # no column to model
        arguments = case.arguments(output, ledger, "--yes")
        arguments[arguments.index(str(case.schema))] = str(case.write("bad.json", content))
        case.refused(f"schema {content[:60]}", arguments, output, "--schema", "bad.json")


def check_usage(case):
    output, ledger = case.fresh()
    good = case.arguments(output, ledger, "--yes")

    def without(*names):
        return [x for i, x in enumerate(good) if x not in names and good[i - 1] not in names]

    needed = ("--csv", "--schema", "--epsilon", "--delta", "--adjacency", "--ledger", "--output")
    more = ("--table t", "--sqlite x", "--share 0", "--share 1.5", "--records 0", "--partition-share 1",
            "yes", "--nonsense 1", "--rows", "--generator oracle", "--test x", "--option steps")
    for arguments in [[good[0]], *map(without, needed), *([*good, *words.split()] for words in more)]:
        case.refused(" ".join(arguments[1:]), arguments, output, status=2)
    for value in ("0", "-1", "1e999", "nan"):
        arguments = [value if x == "50" else x for x in good]
        done = case.run(arguments)
        if done.returncode not in (1, 2) or done.stderr.count("\n") != 1:
            case.fault(f"epsilon {value}", done)
    unlabelled = ["--generator", "products", "--option", "conditional=0"]
    for more, part in ((["--partition", "none"], "--generator gaussian"), (unlabelled, "conditional=0"),
                       ([*unlabelled, "--partition", "kmeans"], "conditional=0"),
                       (["--option", "labels=2"], "labels=2"),
                       (["--option", "augment_fraction=0.5"], "augment_fraction")):
        case.refused(f"no labels, no images: {more}", [*good, *more], output, part)
    square = {**SCHEMA, "columns": [*SCHEMA["columns"], *({"name": x, "kind": "boolean"} for x in "ab")]}  # 16 places
    mixed = [*good, "--option", "augment_fraction=0.5", "--option", "augment_mix=0.5"]
    mixed[mixed.index(str(case.schema))] = str(case.write("square.json", json.dumps(square).encode()))
    case.refused("mixed records without a teacher", mixed, output, "augment_mix")
    if case.spent(ledger) != 0:
        case.fault("a release without labels or images costs")
    done = case.run([good[0], "--help"])
    named = [name in done.stdout for name in ("--compare-nonprivate", "--ledger", "steps=")]
    if done.returncode != 0 or not all(named):
        case.fault("--help", done)
    done = case.run([good[0], "--version"])
    if done.stdout != f"dpmix-release {sys.argv[2]}\n":
        case.fault("--version", done)


def read_until(stream, text):
    seen = b""
    while text not in seen:
        byte = stream.read(1)
        if not byte:
            break
        seen += byte
    return seen


def check_lost_ledger(case):
    """The file is moved away while the fit that it paid for is at work: the model stays."""
    output, ledger = case.fresh()
    case.checked += 1
    with subprocess.Popen(case.arguments(output, ledger, "--yes", *VAE, "--option", "steps=2000"),
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        read_until(running.stderr, b"training the generators")
        away = ledger.rename(case.folder / "away")
        rest = running.stderr.read().decode()
    if running.returncode != 1 or "the model, which is paid for, is in" not in rest:
        case.fault(f"a ledger that is moved away: status {running.returncode}, {rest[-300:]!r}")
    if [path.name for path in output.glob("*")] != ["model.dpmix"] or case.leftovers(output) != [output.name]:
        case.fault(f"a ledger that is moved away leaves {case.leftovers(output)}")
    if abs(case.spent(away) - 50) > 1e-3:
        case.fault(f"a ledger that is moved away: {case.spent(away)} is spent")


def interrupt(case, what, number, begin, *more, status=130, spent=25.0, empty=False,
              files=()):
    """Sends the signal once `begin` stands on stderr (or stdout, for the question); `files` are there in the end.
    empty: the folder is there before."""
    output, ledger = case.fresh()
    if empty:
        output.mkdir()
    arguments = case.arguments(output, ledger, "--share", "0.5", *more)
    case.checked += 1
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as running:
        seen = read_until(running.stdout, begin)
        if number == signal.SIGINT and b"sampling" in begin:
            time.sleep(0.3)  # into the file
        running.send_signal(number)
        rest = running.stdout.read().decode()
        running.wait(timeout=100)
    case.look_for_canaries(what, rest)
    how = "which is paid for, and the ledger are in" if files else "interrupted; nothing was written"
    told = how in rest and f"epsilon {spent:g} of 50" in rest
    if running.returncode != status or (status > 0) != told:
        case.fault(f"{what}: status {running.returncode}, {seen[-200:]!r}, {rest[-300:]!r}")
    found = sorted(path.name for path in output.glob("*"))
    if case.leftovers(output) != [output.name] * (empty or bool(files)) or found != list(files):
        case.fault(f"{what}: leaves {case.leftovers(output)}, {found}")
    if abs(case.spent(ledger) - spent) > 1e-3:
        case.fault(f"{what}: {case.spent(ledger)} is spent, not {spent}")


def check_interruptions(case):
    long_fit = [*VAE, "--option", "steps=1000000", "--yes"]
    interrupt(case, "question", signal.SIGINT, b"Type yes", status=-signal.SIGINT, spent=0)
    interrupt(case, "training", signal.SIGINT, b"training the generators", *long_fit)
    interrupt(case, "training, terminated", signal.SIGTERM, b"training the generators", *long_fit, empty=True)
    interrupt(case, "training, hung up", signal.SIGHUP, b"training the generators", *long_fit)
    kept = ("ledger.json", "model.dpmix")
    interrupt(case, "sampling", signal.SIGINT, b"sampling", "--yes", "--records", "20000000", files=kept)
    interrupt(case, "comparing", signal.SIGINT, b"comparing", "--yes", "--records", "60000",
              "--compare-nonprivate", files=kept)


def main():
    sys.argv[1] = str(pathlib.Path(sys.argv[1]).resolve())  # some runs have another folder
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # the tool respects what its parent ignores, as under nohup
    with tempfile.TemporaryDirectory() as folder:
        case = Case(folder)
        for check in (check_formats, check_reals, check_many_values, check_release, check_categories,
                      check_person, check_filter, check_refusals, check_bad_tables, check_usage,
                      check_lost_ledger, check_interruptions):
            check(case)
        finish(case.faults, case.checked)


main()
