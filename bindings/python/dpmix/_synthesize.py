# SPDX-License-Identifier: BSD-3-Clause
"""The common case in one call."""
from __future__ import annotations

from typing import Any, Optional

from ._accountant import Accountant
from ._arrays import count_of, seed_of
from ._dataset import Dataset
from ._frames import check_like, like
from ._library import code_of, word_of
from ._models import Clusterer, Generator, Mixture
from ._options import Options
from ._progress import ProgressArgument
from ._schema import Schema
from ._table import CONSTANTS

RECORDS = 10_000


def _rows_of(frame: Any) -> int:
    if not hasattr(frame, "__len__"):
        raise TypeError(f"n: is needed, since {type(frame).__name__} does not tell its number of rows")
    return len(frame)


def _check_labels(declared: Schema, generator: str, options: Options) -> None:
    """What would fail at the sampling, when all is paid for."""
    if options["labels"] == CONSTANTS["DPMIX_LABELS_TEACHER"]:
        raise ValueError("labels: there is no teacher in a single release")
    if declared.label is None:
        return
    if generator == "gaussian" and options["augment_fraction"] > 0 and options["augment_mix"] > 0:
        raise ValueError("augment_mix: mixed records need a teacher, there is none in a single release")
    if generator != "gaussian" and not options["conditional"]:
        raise ValueError("conditional: with 0 the model makes no labels, but the schema has one")


def synthesize(frame: Any, schema: Any, epsilon: float, delta: float, adjacency: str, *,
               n: Optional[int] = None, generator: str = "products", seed: Optional[int] = None,
               progress: ProgressArgument = None, **options: Any) -> Any:
    """A synthetic frame like the private one, (epsilon, delta)-differentially private: pandas in, pandas out.

    frame: a table of pandas, polars, pyarrow, DuckDB, or whatever speaks Arrow's PyCapsule protocol.
    schema: whatever Schema.of() takes, declared without a look at the data; None: the one that the frame carries.
    n: how many records. None: as many as the frame has where the adjacency says that their number is public
    ("replace-one", "zero-out"); 10,000 where it is private ("add-remove", and schemas with a unit column, of which
    one has more records than another).
    generator, options: the kind of model and its options. The default, a mixture of products fitted to noisy
    tables of all pairs of columns, did best on a real table (doc/results.md). A VAE has outputs made for tables as
    a default. The Gaussian is trained once per class of the label, which takes a tenth of epsilon for noisy class
    counts.
    seed: of the sampling, not of the noise.

    Epsilon is for one record. Where the schema has a unit column of at most k records, what is spent for a person is
    what is spent for a group of k records (2 k under "replace-one"): Accountant.spent_group(), dpmix.epsilon().

    Where the frame's library cannot take the records in, they are returned as dpmix.Records, with a warning.

    The whole budget goes into this one release, and nothing remembers it: two calls on the same records spend twice
    as much. To keep the model, its ledger, or part of the budget, take Accountant, Generator and Mixture.
    """
    declared = Schema.of(frame if schema is None else schema)
    budget = Accountant(epsilon, delta, adjacency)
    if n is None:
        private = budget.adjacency == "add-remove" or declared.unit_column is not None
        n = RECORDS if private else _rows_of(frame)
    n = count_of(n)
    seed_of(seed)
    check_like(frame)
    generator = word_of("GENERATOR", code_of("GENERATOR", generator))  # "VAE" is "vae", too
    if generator == "vae":
        options.setdefault("vae_output", "mixed")
    with Options(**options) as chosen:
        _check_labels(declared, generator, chosen)
    model = Generator(generator, **options)
    with Dataset.from_frame(frame, declared) as records:
        if declared.label is not None and generator == "gaussian":
            parts = Clusterer("label").fit(records, budget, 0.1)
            made: Any = Mixture(parts, model).fit(records, budget, 1.0, progress)
        else:
            made = model.fit(records, budget, 1.0, progress)
    return like(frame, made.stream(declared, n, seed=seed))
