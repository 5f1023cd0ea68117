# SPDX-License-Identifier: BSD-3-Clause
"""Quality of private k-means: the sum of squared distances to the nearest released centre, over that of k-means
without privacy (scikit-learn), mean and worst of some fits.

Usage: kmeans_bench.py KMEANS_BENCH REFERENCE.json FITS LOWER UPPER NAME=FILE.npy...

       kmeans_bench.py speed KMEANS_BENCH FILE.npy
for an iteration of scikit-learn's k-means, on one core and float32, beside ours, by turns.

REFERENCE.json holds the costs without privacy, by NAME_PARTS; what is missing is computed, the best of 10 runs, and
added. Rows are as in the file, bytes or float32.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

PARTS = [int(k) for k in os.environ.get("PARTS", "2 4 8 10 16 32 64").split()]
EPSILONS = [float(e) for e in os.environ.get("EPSILONS", "0.2 1 10").split()]
METHODS = os.environ.get("METHODS", "columns coreset").split()


def cost(rows, centres):
    total = 0.0
    centres = centres.astype(np.float32)
    offsets = (centres * centres).sum(1) / 2
    for block in np.array_split(rows, 60):
        block = block.astype(np.float32)
        best = (block @ centres.T - offsets).max(1)
        total += float((block * block).sum(dtype=np.float64) - 2 * best.sum(dtype=np.float64))
    return total


def reference(store, key, rows, parts):
    costs = json.loads(store.read_text()) if store.exists() else {}
    if key not in costs:
        from sklearn.cluster import KMeans
        costs[key] = float(KMeans(parts, n_init=10, random_state=1).fit(rows.astype(np.float32)).inertia_)
        store.write_text(json.dumps(costs))
    return costs[key]


def speed(bench, path, parts=10, rounds=5):
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits
    rows = np.load(path).astype(np.float32)
    few, many, ours = [], [], []

    def run(iterations):
        start = time.process_time()
        model = KMeans(parts, init=rows[:parts], n_init=1, max_iter=iterations, tol=0).fit(rows)
        assert model.n_iter_ == iterations, "the rows are clustered too soon"
        return time.process_time() - start

    with threadpool_limits(1):
        for _ in range(rounds):
            few.append(run(2))
            many.append(run(12))
            ours.append(float(subprocess.run([bench, "kmeans_iteration_ms"], stdout=subprocess.PIPE,
                                             check=True).stdout))
    theirs = 1e3 * (min(many) - min(few)) / 10
    print(json.dumps({"name": "sklearn_kmeans_iteration_ms", "value": theirs, "unit": "ms"}))
    print(json.dumps({"name": "kmeans_iteration_ms", "value": min(ours), "unit": "ms",
                      "against": "sklearn_kmeans_iteration_ms", "ratio": theirs / min(ours)}))


def main():
    if sys.argv[1] == "speed":
        speed(*sys.argv[2:])
        return
    bench, store, fits, lower, upper = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:6]
    for name, path in (word.split("=") for word in sys.argv[6:]):
        rows = np.load(path)
        for parts in PARTS:
            best = reference(store, f"{name}_{parts}", rows, parts)
            for epsilon in EPSILONS:
                for method in METHODS:
                    ratios = []
                    for _ in range(fits):
                        output = subprocess.run([bench, path, str(parts), str(epsilon), method, lower, upper],
                                                stdout=subprocess.PIPE, check=True).stdout
                        centres = np.frombuffer(output).reshape(parts, -1)
                        ratios.append(cost(rows, centres) / best)
                    print(f"{name} {rows.shape[1]} {parts} {epsilon:g} {method} "
                          f"{np.mean(ratios):.3f} ({max(ratios):.3f})", flush=True)


main()
