# SPDX-License-Identifier: BSD-3-Clause
"""Trains classifiers on one set of labelled images and tests them on another.

Usage: evaluate.py IMAGES LABELS TEST_IMAGES TEST_LABELS [cnn] [mlp] [logreg]

IDX files of ten classes, gzipped or not. LABELS may be soft: a byte for each class of each image, in
proportion to its probability. The CNN has 5 x 5 convolutions with 16 and 32 channels, max pooling and
one hidden layer of 128 with dropout; all three learn by AdamW with a one-cycle rate, batches of 256. Needs
python3-torch and python3-numpy.
"""
import gzip
import sys

import numpy
import torch
from torch import nn

EPOCHS, BATCH, RATE = 8, 256, 2e-3


def read_idx(path):
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    rank = data[3]
    sizes = numpy.frombuffer(data, ">u4", rank, 4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * rank).reshape(sizes)


def load(images, labels):
    pixels = torch.from_numpy(read_idx(images).astype(numpy.float32) / 255).unsqueeze(1)
    return pixels, torch.from_numpy(read_idx(labels).astype(numpy.int64))


def soften(labels):
    """Of soft labels probabilities; others as they are."""
    return labels if labels.dim() == 1 else labels / labels.sum(1, keepdim=True)


def network(kind, side):
    # ReLU and maximum may change places: after pooling there are four times fewer numbers.
    if kind == "cnn":
        return nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(),
            nn.Conv2d(16, 32, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(),
            nn.Linear(32 * (side // 4) ** 2, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10))
    if kind == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(side * side, 200), nn.ReLU(), nn.Dropout(0.3),
                             nn.Linear(200, 10))
    return nn.Sequential(nn.Flatten(), nn.Linear(side * side, 10))


def train(net, pixels, labels):
    steps = EPOCHS * -(-len(pixels) // BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(pixels))
        for first in range(0, len(pixels), BATCH):
            batch = order[first:first + BATCH]
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(pixels[batch]), labels[batch]).backward()
            optimiser.step()
            schedule.step()


def accuracy(net, pixels, labels):
    net.eval()
    with torch.no_grad():
        guesses = torch.cat([net(piece).argmax(1) for piece in pixels.split(1000)])
    return 100 * (guesses == labels).double().mean().item()


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    pixels, labels = load(*sys.argv[1:3])
    labels = soften(labels)
    test = load(*sys.argv[3:5])
    for kind in sys.argv[5:] or ["cnn", "mlp", "logreg"]:
        torch.manual_seed(0)
        net = network(kind, pixels.shape[-1]).to(memory_format=torch.channels_last)  # a third faster
        train(net, pixels, labels)
        print(f"{kind}: {accuracy(net, *test):.2f} %", flush=True)


main()
