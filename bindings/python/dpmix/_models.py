# SPDX-License-Identifier: BSD-3-Clause
"""Clusterers, generators and mixtures."""
from __future__ import annotations

import ctypes
import json
import operator
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Type, TypeVar, Union

from ._accountant import Accountant
from ._arrays import Samples, count_of, labels_of, numbers, room, rows as rows_of, seed_of, sizes
from ._dataset import Dataset
from ._frames import Records, stream_of
from ._library import Block, Handle, code_of, library, make, number, path_bytes, text
from ._options import Options, shown
from ._progress import ProgressArgument, Watch
from ._schema import Schema
from ._table import CONSTANTS

_M = TypeVar("_M", bound="_Model")

# (column or "label", lower, upper): the value lies in the interval, ends included.
Predicate = Tuple[Union[int, str], float, float]

MAX_COLUMNS = 1_000_000


class Plan(NamedTuple):
    """What a fit would cost: dpmix/generator.h says how it is found out."""

    epsilon: float
    noise_multiplier: float
    bytes: float
    seconds: float


class SoftSamples(NamedTuple):
    """Synthetic records, one a row, and the probabilities of their classes, rows x classes."""

    rows: Any
    probabilities: Any


def _need(value: Any, kind: Type[Handle], what: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{what}: a dpmix.{kind.__name__} is needed, not {type(value).__name__}")


def _records(rows: Any, labels: Any) -> Tuple[Block, int, int, Optional[Block]]:
    """The caller's rows and labels: rows, their number, columns, labels."""
    block, n, width = rows_of(rows, ("float",), "rows")
    return block, n, width, labels_of(labels, n)


class _Model(Handle):
    """What clusterers, generators and mixtures have in common."""

    def _call(self, verb: str, *arguments: Any) -> Any:
        return getattr(library, f"dpmix_{self._noun}_{verb}")(self, *arguments)

    def fit(self: _M, dataset: Dataset, accountant: Accountant, share: float,
            progress: ProgressArgument = None) -> _M:
        """Fits to the data set, and returns itself.

        share: in (0, 1]: of the budget that is left, how much this fit may spend. It is debited first.
        progress: True for tqdm's bar or a plain line; or a function of (phase, done, total, epsilon_spent).
        What the function raises ends the fit and comes out of this call; so does Ctrl-C; False as its result
        raises CancelledError. What was debited stays spent.
        """
        return self._run("fit", dataset, accountant, share, progress)

    def _run(self: _M, verb: str, dataset: Dataset, accountant: Accountant, share: float,
             progress: ProgressArgument) -> _M:
        _need(dataset, Dataset, "dataset")
        _need(accountant, Accountant, "accountant")
        self._keep += dataset._keep
        with Watch(progress) as watch:
            self._call(verb, accountant, dataset, share, watch.callback, None)
        return self

    def _planned(self, *arguments: Any, verb: str = "plan") -> Plan:
        outputs = [ctypes.c_double() for _ in range(4)]
        self._call(verb, *[ctypes.byref(output) for output in outputs], *arguments)
        return Plan(*[output.value for output in outputs])

    @property
    def ledger(self) -> Dict[str, Any]:
        """The accountant's ledger as it was when the fit ended."""
        return dict(json.loads(text(f"dpmix_{self._noun}_ledger", self)))

    def save(self, path: Any) -> None:
        """Writes the fitted model to a file, whole or not at all."""
        self._call("save", path_bytes(path))

    @classmethod
    def load(cls: Type[_M], path: Any) -> _M:
        """Reads a model from a file."""
        return cls._made(make(f"dpmix_{cls._noun}_load", path_bytes(path)))

    @classmethod
    def _made(cls: Type[_M], pointer: Optional[int]) -> _M:
        made = cls.__new__(cls)
        Handle.__init__(made, pointer)
        made._described = ""
        return made

    _described = ""


class Clusterer(_Model):
    """A private partition of the records: Clusterer("label"), or Clusterer("kmeans", clusters=4)."""

    _noun = "clusterer"

    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__(None)
        with Options(**options) as chosen:
            self._pointer = make("dpmix_clusterer_new", code_of("CLUSTERER", kind), chosen)
        self._described = ", ".join(filter(None, [repr(kind), shown(options)]))

    def plan(self, accountant: Accountant, share: float, rows: int, columns: int, classes: int = 0) -> Plan:
        """What fit() would cost, before there is data."""
        return self._planned(accountant, share, rows, columns, classes)

    @property
    def parts(self) -> int:
        """The number of parts; 0 before the fit."""
        return int(library.dpmix_clusterer_parts(self))

    @property
    def weights(self) -> Any:
        """The weights of the parts, from noisy counts."""
        out, block = room((self.parts,), "double")
        self._call("weights", block, block.count)
        return out

    @property
    def columns(self) -> int:
        """The columns of a record; 0 before the fit."""
        return int(library.dpmix_clusterer_columns(self))

    @property
    def centres(self) -> Any:
        """The centres of the parts, parts x columns, where the kind has such."""
        parts, width = self.parts, self.columns
        out, block = room((parts, width), "double")
        self._call("centres", block, parts, width)
        return out

    def assign(self, rows: Any, labels: Any = None) -> Any:
        """The part of each of the caller's rows."""
        block, n_rows, width, marks = _records(rows, labels)
        out, parts = room((n_rows,), "int32_t")
        self._call("assign", parts, block, n_rows, width, marks)
        return out

    def __repr__(self) -> str:
        if self._pointer is None:
            return "<dpmix.Clusterer, closed>"
        state = f"{self.parts} parts" if self.parts else "not fitted"
        return f"<dpmix.Clusterer({self._described}): {state}>"


class _Sampler(_Model):
    """What generators and mixtures have in common."""

    def checkpoint(self, path: Any, every: int = 0) -> None:
        """Has the next fits write checkpoints after so many steps; None as path: no more of them."""
        self._call("checkpoint", None if path is None else path_bytes(path), every)

    @classmethod
    def resume(cls: Type[_M], path: Any, dataset: Dataset, accountant: Accountant,
               progress: ProgressArgument = None) -> _M:
        """Goes on with a fit from its checkpoint, to the end."""
        _need(dataset, Dataset, "dataset")
        _need(accountant, Accountant, "accountant")
        with Watch(progress) as watch:
            made = cls._made(make(f"dpmix_{cls._noun}_resume", path_bytes(path), accountant, dataset,
                                  watch.callback, None))
        made._keep = dataset._keep
        return made

    @property
    def columns(self) -> int:
        """The columns of a record; 0 before the fit."""
        return int(self._call("columns"))

    @property
    def classes(self) -> int:
        """The classes of the labels; 0 without labels, or before the fit."""
        return int(self._call("classes"))

    def _state(self) -> str:
        if not self.columns:
            return "not fitted"
        return f"{self.columns} columns, " + (f"{self.classes} classes" if self.classes else "no labels")

    def sample(self, n: int, *, seed: Optional[int] = None, first: int = 0,
               dtype: str = "float32") -> Samples:
        """n records of an endless sequence, from record `first` on, in the units of the declared bounds.

        Where a schema made the rows they are encoded: Schema.decode() reads them, stream() gives them as a table.

        seed: the sequence is a function of it; None: fresh random bits. dtype: "float32" or "float64".
        """
        kinds = {"float32": ("float", "sample"), "float64": ("double", "sample_f64")}
        if dtype not in kinds:
            raise ValueError(f"dtype: {dtype!r} is not 'float32' or 'float64'")
        kind, verb = kinds[dtype]
        n, width = count_of(n), self.columns
        rows, block = room((n, width), kind)
        labels, marks = room((n,), "int32_t") if self.classes else (None, None)
        self._call(verb, block, marks, first, n, width, seed_of(seed))
        return Samples(rows, labels)

    def stream(self, schema: Any, n: int, *, seed: Optional[int] = None) -> Records:
        """n records as a table in the types of the schema that the data set was made with: see Records."""
        return stream_of(self._noun, self, Schema.of(schema), count_of(n), seed_of(seed))

    def count(self, queries: Iterable[Sequence[Predicate]], samples: int = 100_000, *,
              seed: Optional[int] = None) -> Any:
        """The fraction of synthetic records for which each query holds.

        A query is a list of (column, lower, upper), all of which have to hold; the column "label" is the label, as
        a class number. Where a schema made the rows, columns are its places, in [0, 1]: Schema.columns.
        """
        try:
            listed: List[List[Tuple[Any, float, float]]] = [[(column, low, high) for column, low, high in query]
                                                            for query in queries]
            flat = [predicate for query in listed for predicate in query]
            columns = [CONSTANTS["DPMIX_COLUMN_LABEL"] if column == "label" else operator.index(column)
                       for column, _, _ in flat]
        except (TypeError, ValueError):
            raise TypeError("queries: each is a list of (column, lower, upper), with a column's number "
                            'or "label"') from None
        offsets = [0]
        for query in listed:
            offsets.append(offsets[-1] + len(query))
        if any(column < 0 or (column > MAX_COLUMNS and given[0] != "label") for column, given in zip(columns, flat)):
            raise ValueError("queries: there is no such column")
        out, block = room((len(listed),), "double")
        self._call("count", block, sizes(offsets), len(listed), sizes(columns),
                   numbers([low for _, low, _ in flat], "double", "lower"),
                   numbers([high for _, _, high in flat], "double", "upper"), len(flat), samples, seed_of(seed))
        return out


class Generator(_Sampler):
    """A generative model with private training: Generator("gaussian"), Generator("vae", steps=300), ...

    dpmix.words("generator") lists the kinds, dpmix.options() the options.
    """

    _noun = "generator"

    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__(None)
        with Options(**options) as chosen:
            self._pointer = make("dpmix_generator_new", code_of("GENERATOR", kind), chosen)
        self._described = ", ".join(filter(None, [repr(kind), shown(options)]))

    @property
    def components(self) -> int:
        """The number of components of a Gaussian mixture ("gmm")."""
        return int(number("dpmix_generator_components", "size_t", 1, self))

    def log_density(self, rows: Any, labels: Any = None) -> Any:
        """The logarithm of a Gaussian mixture's density at each of the caller's rows."""
        block, n, width, marks = _records(rows, labels)
        out, densities = room((n,), "double")
        self._call("log_density", densities, block, marks, n, width)
        return out

    def assign(self, rows: Any, labels: Any = None) -> Any:
        """The share of each component of a Gaussian mixture in the caller's rows, rows x components."""
        block, n, width, marks = _records(rows, labels)
        out, shares = room((n, self.components), "float")
        self._call("assign", shares, block, marks, n, width)
        return out

    def plan(self, accountant: Accountant, share: float, rows: int, columns: int, classes: int = 0,
             parts: int = 1) -> Plan:
        """What fit() would cost, before there is data; with parts, what the fit of a mixture would cost."""
        return self._planned(accountant, share, rows, columns, classes, parts)

    def plan_table(self, accountant: Accountant, share: float, rows: int, schema: Any, parts: int = 1) -> Plan:
        """What fit() to a data set made with the schema would cost; with parts, the fit of a mixture (0: by label)."""
        return self._planned(accountant, share, rows, Schema.of(schema), parts, verb="plan_table")

    def __repr__(self) -> str:
        if self._pointer is None:
            return "<dpmix.Generator, closed>"
        return f"<dpmix.Generator({self._described}): {self._state()}>"


class Mixture(_Sampler):
    """A fitted partition with one generator per part; all of them together cost what one costs.

    clusterer: fitted; None: all records are one part, and no budget goes into finding it.
    """

    _noun = "mixture"

    def __init__(self, clusterer: Optional[Clusterer], generator: Generator) -> None:
        super().__init__(None)
        if clusterer is not None:
            _need(clusterer, Clusterer, "clusterer")
        _need(generator, Generator, "generator")
        self._pointer = make("dpmix_mixture_new", clusterer, generator)
        self._described = generator._described
        if clusterer is not None:
            self._keep = clusterer._keep
            self._described = f"{clusterer._described} x {generator._described}"

    def teach(self, dataset: Dataset, accountant: Accountant, share: float,
              progress: ProgressArgument = None) -> "Mixture":
        """Trains a private teacher, a classifier that from then on labels the samples; returns the mixture.

        Arguments as for fit(). The mixture is fitted, to data of the same columns, bounds and classes.
        """
        return self._run("teach", dataset, accountant, share, progress)

    def sample_soft(self, n: int, *, seed: Optional[int] = None, first: int = 0) -> SoftSamples:
        """The records of sample() with the probabilities of their classes in place of labels."""
        n, width, classes = count_of(n), self.columns, self.classes
        rows, block = room((n, width), "float")
        out, probabilities = room((n, classes), "float")
        self._call("sample_soft", block, probabilities, first, n, width, classes, seed_of(seed))
        return SoftSamples(rows, out)

    @property
    def parts(self) -> int:
        """The number of parts."""
        return int(library.dpmix_mixture_parts(self))

    def __repr__(self) -> str:
        if self._pointer is None:
            return "<dpmix.Mixture, closed>"
        return f"<dpmix.Mixture({self._described}): {self.parts} parts, {self._state()}>"
