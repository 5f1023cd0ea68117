#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How good synthetic tables are, over several private fits.

    evaluate_table.py TRAIN.csv TEST.csv SCHEMA.json --epsilon 1 --delta 1e-6 --adjacency add-remove

Each run fits a generator to the training rows under a budget of its own and draws as many records as there are
rows (an --option such as products_bins=16 goes to the fit). Printed are, for each run and as mean and standard
deviation over the runs:

* auroc: area under the ROC curve of a logistic regression trained on the synthetic records, on the test rows;
* tvd2, tvd1: mean total variation distance of synthetic records and training rows, over the tables of all pairs
  of columns and of single columns. Numbers are cut into 16 bins: of equal width between the declared bounds, and
  (second figure) by the quantiles of the training rows.

"real" is a regression trained on the training rows, and the distance of the test rows from them.

--split F fits to a part F of the training rows and tests on the others: to choose settings by. Figures that
compare with real rows are not private. Needs dpmix, NumPy, pandas and scikit-learn.
"""
import argparse
import itertools
import json

import dpmix
import numpy
import pandas
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import OneHotEncoder, StandardScaler

BINS = 16
NUMBERS = ("integer", "continuous")
SPLIT_SEED = 7


def read(path, schema):
    """The rows of a file, as the schema has them: texts without blanks around them and without a full stop."""
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    for column in schema["columns"]:
        cells = frame[column["name"]].str.strip().str.rstrip(".")
        frame[column["name"]] = pandas.to_numeric(cells) if column["kind"] in NUMBERS else cells
    return frame[[column["name"] for column in schema["columns"]]]


def values(column):
    return column["values"] + ([column["other"]] if "other" in column else [])


def columns_of(schema, numbers):
    return [c for c in schema["columns"] if (c["kind"] in NUMBERS) == numbers and c["name"] != schema["label"]]


def auroc(made, real, schema):
    """Of a logistic regression on standardised numbers and one column of zeros and ones for every category."""
    numbers, categories = columns_of(schema, True), columns_of(schema, False)
    scale = StandardScaler().fit(made[[c["name"] for c in numbers]])
    code = OneHotEncoder(categories=[values(c) for c in categories], handle_unknown="ignore",
                         sparse_output=False)
    code.fit(made[[c["name"] for c in categories]])

    def features(frame):
        return numpy.hstack([scale.transform(frame[[c["name"] for c in numbers]]),
                             code.transform(frame[[c["name"] for c in categories]])])

    judge = LogisticRegression(max_iter=1000).fit(features(made), made[schema["label"]])
    return roc_auc_score(real[schema["label"]], judge.decision_function(features(real)))


def codes(frame, real, schema, quantiles):
    """Cell numbers of every column, and how many there are."""
    out = []
    for column in schema["columns"]:
        cells = frame[column["name"]]
        if column["kind"] not in NUMBERS:
            listed = {value: i for i, value in enumerate(values(column))}
            out.append((numpy.array([listed[cell] for cell in cells]), len(listed)))
            continue
        if quantiles:
            edges = numpy.unique(numpy.quantile(real[column["name"]], numpy.arange(1, BINS) / BINS))
        else:
            edges = numpy.linspace(column["lower"], column["upper"], BINS + 1)[1:-1]
        out.append((numpy.searchsorted(edges, cells.to_numpy(), side="right"), len(edges) + 1))
    return out


def distance(made, real):
    return abs(made / made.sum() - real / real.sum()).sum() / 2


def distances(made, real, schema, quantiles):
    """Mean total variation distances of pairs of columns and of columns."""
    ours, theirs = codes(made, real, schema, quantiles), codes(real, real, schema, quantiles)
    single = [distance(numpy.bincount(a, minlength=n), numpy.bincount(b, minlength=n))
              for (a, n), (b, _) in zip(ours, theirs)]
    pairs = [distance(numpy.bincount(ours[i][0] * ours[j][1] + ours[j][0], minlength=ours[i][1] * ours[j][1]),
                      numpy.bincount(theirs[i][0] * ours[j][1] + theirs[j][0],
                                     minlength=ours[i][1] * ours[j][1]))
             for i, j in itertools.combinations(range(len(ours)), 2)]
    return numpy.mean(pairs), numpy.mean(single)


def evaluate(made, real, test, schema):
    equal, quantile = distances(made, real, schema, False), distances(made, real, schema, True)
    return [auroc(made, test, schema), equal[0], equal[1], quantile[0], quantile[1]]


def show(name, figures):
    print(f"{name:8} auroc {figures[0]:.4f}  tvd2 {figures[1]:.4f}  tvd1 {figures[2]:.4f}"
          f"  by quantiles: tvd2 {figures[3]:.4f}  tvd1 {figures[4]:.4f}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("train", "test", "schema"):
        parser.add_argument(name)
    parser.add_argument("--epsilon", type=float, required=True)
    parser.add_argument("--delta", type=float, required=True)
    parser.add_argument("--adjacency", required=True)
    parser.add_argument("--generator", help="as dpmix.synthesize() has it")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--split", type=float, help="part of the training rows to fit to")
    return parser.parse_args()


def main():
    chosen = arguments()
    with open(chosen.schema, encoding="utf-8") as file:
        schema = json.load(file)
    train, test = read(chosen.train, schema), read(chosen.test, schema)
    if chosen.split:
        order = numpy.random.default_rng(SPLIT_SEED).permutation(len(train))
        cut = int(chosen.split * len(train))
        train, test = train.iloc[order[:cut]], train.iloc[order[cut:]]
    options = {name: float(value) if "." in value else int(value)
               for name, value in (option.split("=") for option in chosen.option)}
    if chosen.generator:
        options["generator"] = chosen.generator
    show("real", [auroc(train, test, schema)] + evaluate(test, train, test, schema)[1:])
    runs = []
    for run in range(chosen.runs):
        made = dpmix.synthesize(train, chosen.schema, chosen.epsilon, chosen.delta, chosen.adjacency,
                                n=len(train), **options)
        runs.append(evaluate(made, train, test, schema))
        show(f"run {run + 1}", runs[-1])
    show("mean", numpy.mean(runs, axis=0))
    if len(runs) > 1:
        show("spread", numpy.std(runs, axis=0, ddof=1))


if __name__ == "__main__":
    main()
