# SPDX-License-Identifier: BSD-3-Clause
"""Writes one file of each kind, as the library of today does, for release_files_test.c of later versions.

Usage: make_release.py FOLDER      (with NumPy; the package dpmix of bindings/python, DPMIX_LIBRARY names the library)

The private rows are the same made-up ones for all files: 90 rows of 3 columns of bytes in 2 classes,
(37 i + 11 j) mod 256 in row i and column j, class i mod 2."""
import os
import sys

import dpmix
import numpy as np

ROWS, COLUMNS = 90, 3


def records():
    i, j = np.mgrid[:ROWS, :COLUMNS]
    return dpmix.Dataset(((37 * i + 11 * j) % 256).astype(np.uint8), 0, 255, labels=np.arange(ROWS, dtype=np.int32) % 2,
                         classes=2, copy=True)


def budget():
    return dpmix.Accountant(8.0, 1e-5, "add-remove")


def main():
    place = lambda name: os.path.join(sys.argv[1], name)  # noqa: E731
    data, spending = records(), budget()
    clusterer = dpmix.Clusterer("kmeans", clusters=2, kmeans_features=0).fit(data, spending, 0.2)
    clusterer.save(place("clusterer.dpmix"))
    dpmix.Mixture(clusterer, dpmix.Generator("gaussian")).fit(data, spending, 0.5).save(place("mixture.dpmix"))
    for kind in ("gaussian", "gmm", "products", "vae", "rbm", "cgan"):
        data, spending = records(), budget()
        small = {"vae": {"steps": 2, "vae_hidden": 4}, "rbm": {"steps": 2, "rbm_hidden": 4},
                 "cgan": {"steps": 2, "cgan_hidden": 4}}.get(kind, {})
        dpmix.Generator(kind, **small).fit(data, spending, 1.0).save(place(f"{kind}.dpmix"))
    data, spending = records(), budget()
    taught = dpmix.Mixture(None, dpmix.Generator("gmm", teacher_steps=5, teacher_records=200)).fit(data, spending, 0.5)
    taught.teach(data, spending, 1.0).save(place("taught.dpmix"))

    data = records()
    spending = dpmix.Accountant.open(place("ledger.sqlite"), "release", 8.0, 1e-5, "add-remove")
    stopped = dpmix.Generator("vae", steps=6, vae_hidden=4)
    stopped.checkpoint(place("checkpoint.dpmix"), 1)
    try:
        stopped.fit(data, spending, 0.5, progress=lambda phase, done, total, spent: done < 3)
    except dpmix.CancelledError:
        pass

    schema = dpmix.Schema().continuous("income", 1, 1e6, log=True, nullable=True).integer("age", 0, 120)
    schema.ordinal("degree", ["none", "school", "university"]).categorical("town", ["Rome", "Oslo"], other="else")
    schema.boolean("member").date("since", "1990-01-01", "2026-12-31")
    schema.timestamp("seen", "2020-01-01T00:00:00Z", "2026-12-31T00:00:00Z").set_label("member").save(place("schema.json"))


main()
