# SPDX-License-Identifier: BSD-3-Clause
"""Breaks a source on purpose: replaces one text in it. Usage: break.py SOURCE TEXT REPLACEMENT OUT

The text must occur exactly once. Spaces and line ends in it count as one, so that a broken build survives a
new layout of the source, but not a change of what it breaks.
"""
import pathlib
import re
import sys

source, text, replacement, out = sys.argv[1:]
pattern = r"\s+".join(re.escape(word) for word in text.split())
broken, count = re.subn(pattern, lambda match: replacement, pathlib.Path(source).read_text(encoding="utf-8"))
if count != 1:
    sys.exit(f"{source}: {count} places with the text to break, there should be one: {text}")
pathlib.Path(out).write_text(broken, encoding="utf-8")
