# SPDX-License-Identifier: BSD-3-Clause
"""Writes scatter.tsv: values of scattering transforms by Kymatio 0.3.0, with NumPy 2.2.6 and SciPy 1.14.1 (it
does not run with SciPy from 1.15 on). Usage: make_scatter.py FOLDER
"""
import sys

import numpy
from kymatio.numpy import Scattering2D

# side, scales, angles, image, distance of the values that are kept
CASES = [(28, 2, 8, 0, 1), (28, 2, 8, 1, 11), (28, 2, 8, 2, 11), (32, 2, 8, 0, 23), (28, 3, 8, 1, 7),
         (28, 1, 4, 2, 5), (16, 4, 8, 1, 1), (33, 3, 5, 0, 7), (8, 3, 3, 1, 1), (27, 2, 1, 2, 1), (44, 1, 2, 0, 9)]


def test_image(side, number):
    """In whole numbers, so that the test makes the same ones."""
    y, x = numpy.mgrid[:side, :side]
    circle = (x - side // 2) ** 2 + (y - side // 3) ** 2
    strokes = ((x - y - 3) ** 2 < 8) | ((circle >= 20) & (circle < 40))
    texture = (37 * y + 101 * x + 13 * x * y) % 256 / 256
    if number == 0:
        return strokes.astype(float)
    if number == 1:
        return texture
    return texture / 8 + strokes / 2 + x / 128


def main():
    with open(f"{sys.argv[1]}/scatter.tsv", "w", encoding="ascii") as file:
        print("# side", "scales", "angles", "image", "distance", "count", "values...", sep="\t", file=file)
        for side, scales, angles, number, distance in CASES:
            transform = Scattering2D(J=scales, shape=(side, side), L=angles)
            kept = transform.scattering(test_image(side, number)).ravel()[::distance]
            values = (f"{x:.8g}" for x in kept)
            print(side, scales, angles, number, distance, len(kept), *values, sep="\t", file=file)


main()
