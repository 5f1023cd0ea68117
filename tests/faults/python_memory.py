# SPDX-License-Identifier: BSD-3-Clause
"""Each allocation of the library fails in turn below the Python package: a MemoryError, and nothing else
changes. Needs aligned.c preloaded.
"""
import ctypes
import os
import pathlib
import sys
import tempfile

import dpmix

MANY = 5000
hook = ctypes.CDLL(os.environ["LD_PRELOAD"])
hook.aligned_fail_after.argtypes = [ctypes.c_long]
hook.aligned_left.restype = ctypes.c_long
ROWS = [[(i * 7 + j * 3) % 11 / 11 for j in range(3)] for i in range(60)]
LABELS = [i % 2 for i in range(60)]


def fail_each(what, call):
    """Calls with the first allocation failing, the second, and so on, until the call succeeds; the result."""
    for nth in range(1, MANY):
        hook.aligned_fail_after(nth)
        try:
            result = call()
        except MemoryError as error:
            hook.aligned_fail_after(0)
            if not isinstance(error, dpmix.Error) or "out of memory" not in str(error):
                raise
            continue
        came = hook.aligned_left() == 0
        hook.aligned_fail_after(0)
        if came:
            sys.exit(f"{what}: allocation {nth} failed, and nobody was told")
        print(f"{what}: {nth - 1} allocations")
        return result
    sys.exit(f"{what}: it never succeeds")


def main():
    data = fail_each("Dataset", lambda: dpmix.Dataset(ROWS, 0, 1, labels=LABELS, classes=2))
    money = fail_each("Accountant", lambda: dpmix.Accountant(5.0, 1e-5, "add-remove"))
    parts = fail_each("Clusterer", lambda: dpmix.Clusterer("label", threads=2))
    fail_each("Clusterer.fit", lambda: parts.fit(data, money, 0.2))
    spent = money.spent
    model = fail_each("Generator", lambda: dpmix.Generator("vae", sampling_rate=1, steps=2, threads=2))
    mixture = fail_each("Mixture", lambda: dpmix.Mixture(parts, model))

    def fit():
        try:
            return mixture.fit(data, money, 1.0)
        except MemoryError:
            hook.aligned_fail_after(0)
            if money.spent != spent:
                sys.exit("Mixture.fit: a debit in vain")
            raise

    fail_each("Mixture.fit", fit)
    wanted = fail_each("Mixture.sample", lambda: mixture.sample(20, seed=1))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model")
        fail_each("Mixture.save", lambda: mixture.save(path))
        loaded = fail_each("Mixture.load", lambda: dpmix.Mixture.load(path))
    if list(loaded.sample(20, seed=1).labels) != list(wanted.labels):
        sys.exit("another model was loaded")


main()
