# SPDX-License-Identifier: BSD-3-Clause
"""Public maps of images: low frequencies, scattering features, signed distances (dpmix/feature.h).

Images are square: an array of n x side x side or of n x side^2 numbers, or their like without NumPy.
"""
from __future__ import annotations

import ctypes
import math
from typing import Any, Tuple

from ._arrays import room, rows as rows_of
from ._library import Block, library, number


def _images(images: Any) -> Tuple[Block, int, int]:
    block, n, width = rows_of(images, ("float",), "images")
    side = math.isqrt(width)
    if side * side != width:
        raise ValueError("images: they are not square")
    return block, n, side


def dct(images: Any, radius: int) -> Any:
    """The low frequencies of images, n x dims."""
    block, n, side = _images(images)
    dims = int(number("dpmix_feature_dct_size", "size_t", 0, side, radius))
    out, result = room((n, dims), "float")
    library.dpmix_feature_dct(result, block, n, side, radius)
    return out


def dct_inverse(rows: Any, side: int, radius: int) -> Any:
    """Images from their low frequencies, n x side^2."""
    block, n, width = rows_of(rows, ("float",), "rows")
    if width != number("dpmix_feature_dct_size", "size_t", 0, side, radius):
        raise ValueError("rows: their length is not that of side and radius")
    out, result = room((n, side * side), "float")
    library.dpmix_feature_dct_inverse(result, block, n, side, radius)
    return out


def scattering(images: Any, scales: int = 2, angles: int = 8, groups: int = 0) -> Any:
    """Scattering features, n x (channels x positions); `groups` normalises them."""
    block, n, side = _images(images)
    channels, positions = ctypes.c_size_t(), ctypes.c_size_t()
    library.dpmix_feature_scattering_size(ctypes.byref(channels), ctypes.byref(positions), side, scales, angles)
    out, result = room((n, channels.value * positions.value), "float")
    library.dpmix_feature_scattering(result, block, n, side, scales, angles, groups)
    return out


def distance(images: Any) -> Any:
    """Signed distances from the outlines, n x side^2 numbers in [0, 1]."""
    block, n, side = _images(images)
    out, result = room((n, side * side), "float")
    library.dpmix_feature_distance(result, block, n, side)
    return out


def distance_inverse(images: Any) -> Any:
    """Images from signed distances."""
    block, n, side = _images(images)
    out, result = room((n, side * side), "float")
    library.dpmix_feature_distance_inverse(result, block, n, side)
    return out
