# SPDX-License-Identifier: BSD-3-Clause
"""Calculators: what mechanisms cost and how much noise they need, before any data is touched; and audits."""
from __future__ import annotations

import ctypes
from typing import Any, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

from ._arrays import numbers, room
from ._library import Block, code_of, library, number, word_of, words_of


class Mechanism(NamedTuple):
    """`runs` runs of one mechanism.

    kind: "gaussian", "subsampled-gaussian", "laplace", "subsampled-laplace", "geometric",
    "randomized-response" or "pure". noise: the noise multiplier (of the last two kinds 1 / epsilon). rate: the
    sampling rate of subsampled kinds; the delta of pure ones.
    """

    kind: str
    noise: float
    rate: Optional[float] = None
    runs: int = 1


# A plain tuple will do: ("gaussian", 2.0), or ("subsampled-gaussian", 1.0, 0.01, 10000).
Mechanisms = Union[Mechanism, Tuple[str, float], Tuple[str, float, Optional[float]],
                   Tuple[str, float, Optional[float], int]]


def composition(mechanisms: Iterable[Mechanisms]) -> Tuple[Block, Block, Block, Block, int]:
    """The parallel arrays of a composition, and their length."""
    given = [Mechanism(*mechanism) for mechanism in mechanisms]
    listed = [one._replace(kind=word_of("MECHANISM", code_of("MECHANISM", one.kind))) for one in given]
    rates = [(0.0 if one.kind == "pure" else 1.0) if one.rate is None else one.rate for one in listed]
    for one in listed:
        sampled = one.kind.startswith("subsampled")
        if one.rate is None and sampled:
            raise ValueError(f"{one.kind}: the sampling rate is missing")
        if one.rate not in (None, 1) and not sampled and one.kind != "pure":
            raise ValueError(f"{one.kind}: there is no sampling, so no rate but None or 1")
    return (numbers([code_of("MECHANISM", one.kind) for one in listed], "int", "mechanisms"),
            numbers([one.noise for one in listed], "double", "noise"), numbers(rates, "double", "rates"),
            numbers([one.runs for one in listed], "uint64_t", "counts"), len(listed))


def epsilon(mechanisms: Iterable[Mechanisms], delta: float, adjacency: str, group: int = 1) -> float:
    """The least epsilon at which the composition is known to be private; infinity where none is.

    >>> dpmix.epsilon([("gaussian", 2.0, None, 10)], 1e-5, "add-remove")
    """
    return float(number("dpmix_calculate_epsilon", "double", 0, *composition(mechanisms),
                        code_of("ADJACENCY", adjacency), group, delta))


def delta(mechanisms: Iterable[Mechanisms], epsilon: float, adjacency: str, group: int = 1) -> float:
    """The least delta at which the composition is known to be private; 1 where none is."""
    return float(number("dpmix_calculate_delta", "double", 0, *composition(mechanisms),
                        code_of("ADJACENCY", adjacency), group, epsilon))


def rdp(mechanisms: Iterable[Mechanisms], order: float, adjacency: str) -> float:
    """The Renyi divergence of the composition, the larger of both directions."""
    return float(number("dpmix_calculate_rdp", "double", 0, *composition(mechanisms),
                        code_of("ADJACENCY", adjacency), order))


def noise(mechanisms: Iterable[Mechanisms], epsilon: float, delta: float, adjacency: str) -> List[float]:
    """The noise multipliers with which the plan is (epsilon, delta)-private: those given, times one factor."""
    *arrays, n = composition(mechanisms)
    out, block = room((n,), "double")
    library.dpmix_calculate_noise(block, *arrays, n, code_of("ADJACENCY", adjacency), delta, epsilon)
    return [float(value) for value in out]


class GaussianAudit(NamedTuple):
    """Lower bounds: mu of Gaussian privacy, and the epsilon that it has at the delta."""

    mu: float
    epsilon: float


def _canaries(scores: Any, included: Any) -> Tuple[Block, Block, int]:
    coins = list(included)
    if any(coin not in (0, 1) for coin in coins):
        raise ValueError("included: each is true or false, or 1 or 0")
    marks = numbers([int(coin) for coin in coins], "uint8_t", "included")
    values = numbers(scores, "double", "scores")
    if values.count != marks.count:
        raise ValueError("included: one coin for each score is needed")
    return values, marks, values.count


def audit_epsilon(scores: Sequence[float], included: Sequence[Any], delta: float, confidence: float, *,
                  guesses_in: int = 0, guesses_out: int = 0) -> float:
    """A lower bound on epsilon from canary scores of one run; dpmix/audit.h says what it rests on."""
    return float(number("dpmix_audit_epsilon", "double", 0, *_canaries(scores, included), guesses_in,
                        guesses_out, delta, confidence))


def _gaussian(function: str, *arguments: Any) -> GaussianAudit:
    mu, bound = ctypes.c_double(), ctypes.c_double()
    getattr(library, function)(ctypes.byref(mu), ctypes.byref(bound), *arguments)
    return GaussianAudit(mu.value, bound.value)


def audit_gaussian(scores: Sequence[float], included: Sequence[Any], delta: float, confidence: float, *,
                   guesses_in: int = 0, guesses_out: int = 0) -> GaussianAudit:
    """The same for mechanisms whose curve is a Gaussian one."""
    return _gaussian("dpmix_audit_gaussian", *_canaries(scores, included), guesses_in, guesses_out, delta,
                     confidence)


def audit_epsilon_count(canaries: int, guesses: int, right: int, delta: float, confidence: float) -> float:
    """A lower bound on epsilon from guesses made in some other way, of which `right` were right."""
    return float(number("dpmix_audit_epsilon_count", "double", 0, canaries, guesses, right, delta, confidence))


def audit_gaussian_count(canaries: int, guesses: int, right: int, delta: float,
                         confidence: float) -> GaussianAudit:
    """The same for mechanisms whose curve is a Gaussian one."""
    return _gaussian("dpmix_audit_gaussian_count", canaries, guesses, right, delta, confidence)


def words(family: str) -> List[str]:
    """The words of a family of constants, such as words("adjacency") or words("generator")."""
    return list(words_of(family.upper().replace("-", "_")))
