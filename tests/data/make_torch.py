# SPDX-License-Identifier: BSD-3-Clause
"""Writes torch.tsv: losses and gradients of small nets by PyTorch's automatic differentiation, in float64.

Usage: make_torch.py FOLDER      (made with PyTorch 2.5.1)

A line is a name and numbers. Each case begins with a line "case", its name and its terms; then come weights, row,
normals, loss and gradient. Weights are laid out as in lib/nn: matrix after matrix, the bias of a layer its last
row."""
import math
import sys

import torch

torch.set_default_dtype(torch.float64)
LABEL, LIMIT = 4.0, 6.0
ACTIVATIONS = {1: torch.relu, 2: torch.tanh, 3: lambda x: torch.nn.functional.leaky_relu(x, 0.2),
               4: torch.nn.functional.softplus}


def dense(x, weights, shapes, activation, last):
    """Runs a net; gives its output and the weights that are left."""
    for number, (rows, columns) in enumerate(shapes):
        matrix = weights[:(rows + 1) * columns].reshape(rows + 1, columns)
        weights = weights[(rows + 1) * columns:]
        x = x @ matrix[:-1] + matrix[-1]
        if number + 1 < len(shapes) or last:
            x = ACTIVATIONS[activation](x)
    return x, weights


def size(shapes):
    return sum((rows + 1) * columns for rows, columns in shapes)


def chain(widths):
    return list(zip(widths, widths[1:]))


def rounded(tensor):
    """Numbers that float32 holds."""
    return tensor.to(torch.float32).to(torch.float64)


def write(file, name, numbers):
    print(name, *(f"{float(x):.9g}" for x in numbers), sep="\t", file=file)


def mlp(file, generator, activation):
    widths = [4, 6, 5, 3]
    weights = rounded(0.6 * torch.randn(size(chain(widths)), generator=generator)).requires_grad_()
    row = rounded(torch.randn(widths[0], generator=generator))
    output, _ = dense(row, weights, chain(widths), activation, True)
    loss = (output ** 2).sum() / 2
    loss.backward()
    print("case", "mlp", activation, *widths, sep="\t", file=file)
    for name, numbers in (("weights", weights), ("row", row), ("normals", []), ("loss", [loss]),
                          ("gradient", weights.grad)):
        write(file, name, numbers)


def output_loss(output, groups, x, logits, own, deviation):
    if output == 1:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    log_variance = (2 * math.log(0.25) + LIMIT * torch.tanh(LABEL * own / LIMIT) if deviation == 0
                    else torch.full_like(x, 2 * math.log(deviation)))
    mean = 0.5 + logits / 4
    gaussian = torch.nn.functional.gaussian_nll_loss(mean, x, log_variance.exp(), eps=0, reduction="none")
    loss = sum(gaussian[d] for d in range(len(x)) if groups[d] == 0 or output == 2)
    for group in range(1, max(groups) + 1 if output == 3 else 1):
        members = [d for d in range(len(x)) if groups[d] == group]
        loss = loss + torch.nn.functional.cross_entropy(logits[members], x[members])
    return loss


def vae(file, generator, output, activation, classes, draws, beta, deviation):
    columns, latent, first, last = 7, 2, 6, 4
    groups = [0, 1, 1, 1, 2, 2, 0]
    encoder = chain([columns + classes, first, last, 2 * latent])
    decoder = chain([latent + classes, last, first, columns])
    n = size(encoder) + size(decoder) + (columns if output > 1 and deviation == 0 else 0)
    weights = rounded(0.5 * torch.randn(n, generator=generator)).requires_grad_()
    row = rounded(torch.rand(columns, generator=generator))
    if output == 3:
        for d in range(columns):
            row[d] = row[d] if groups[d] == 0 else float(d in (2, 4))
    normals = rounded(torch.randn(draws, latent, generator=generator))
    label = LABEL * torch.nn.functional.one_hot(torch.tensor(1), classes) if classes else torch.zeros(0)
    encoded, left = dense(torch.cat([row, label]), weights, encoder, activation, False)
    mean, v = encoded[:latent], LIMIT * torch.tanh(encoded[latent:] / LIMIT)
    law = torch.distributions.Normal(mean, (v / 2).exp())
    standard = torch.distributions.Normal(torch.zeros(latent), torch.ones(latent))
    loss = beta * torch.distributions.kl_divergence(law, standard).sum()
    for k in range(draws):
        z = mean + (v / 2).exp() * normals[k]
        logits, own = dense(torch.cat([z, label]), left, decoder, activation, False)
        loss = loss + output_loss(output, groups, row, logits, own, deviation) / draws
    # The library's loss leaves out nothing but a constant: log(2 pi) / 2 is not in gaussian_nll_loss either.
    loss.backward()
    print("case", "vae", output, activation, columns, classes, latent, first, last, draws, beta, deviation,
          sep="\t", file=file)
    for name, numbers in (("weights", weights), ("row", row), ("normals", normals.flatten()), ("loss", [loss]),
                          ("gradient", weights.grad)):
        write(file, name, numbers)


def main():
    generator = torch.Generator().manual_seed(1)
    with open(f"{sys.argv[1]}/torch.tsv", "w") as file:
        for activation in ACTIVATIONS:
            mlp(file, generator, activation)
        vae(file, generator, 1, 1, 0, 1, 1.0, 0.0)
        vae(file, generator, 1, 3, 3, 3, 0.25, 0.0)
        vae(file, generator, 2, 2, 0, 1, 1.0, 0.125)
        vae(file, generator, 2, 4, 2, 4, 2.0, 0.0)
        vae(file, generator, 3, 2, 3, 1, 1.0, 0.0)
        vae(file, generator, 3, 4, 0, 5, 0.5, 0.0)


main()
