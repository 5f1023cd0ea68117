# SPDX-License-Identifier: BSD-3-Clause
"""The peers' training loops, on one core, on random records that already lie in memory as float32.

Each class trains; `step()` is one step of one batch. The peers get whole batches of fixed size without
Poisson sampling, which spares them work that the library does.
"""
import numpy
import torch
from opacus import GradSampleModule
from opacus.grad_sample.grad_sample_module_fast_gradient_clipping import GradSampleModuleFastGradientClipping
from opacus.optimizers import DPOptimizer
from opacus.optimizers.optimizer_fast_gradient_clipping import DPOptimizerFastGradientClipping
from opacus.utils.fast_gradient_clipping_utils import double_backward
from torch import nn
from torch.nn import functional

COLUMNS, HIDDEN, LATENT, CLASSES = 784, 400, 20, 10


class Vae(nn.Module):
    """784-400-20-400-784, ReLU, Bernoulli output."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(COLUMNS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
        self.decode = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, COLUMNS))

    def forward(self, rows):
        mean, log_variance = self.encode(rows).chunk(2, dim=1)
        logits = self.decode(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean))
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        return functional.binary_cross_entropy_with_logits(logits, rows, reduction="none").sum(1) + divergence


class VaePublic:
    """Not private."""

    def __init__(self, batch):
        self.rows = torch.rand(batch, COLUMNS)
        self.net = Vae()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, fused=True)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        self.net(self.rows).mean().backward()
        self.optimizer.step()


class VaeGhost:
    """Opacus, ghost clipping: norms without the gradients of single records, and a second backward run."""

    def __init__(self, batch):
        self.rows = torch.rand(batch, COLUMNS)
        self.net = GradSampleModuleFastGradientClipping(Vae(), max_grad_norm=1.0, use_ghost_clipping=True)
        self.optimizer = DPOptimizerFastGradientClipping(
            torch.optim.Adam(self.net.parameters(), lr=1e-3), noise_multiplier=1.0, max_grad_norm=1.0,
            expected_batch_size=batch)

    def step(self):
        self.optimizer.zero_grad()
        double_backward(self.net, self.optimizer, self.net(self.rows))
        self.optimizer.step()


class VaeHooks:
    """Opacus, a gradient for each record."""

    def __init__(self, batch):
        self.rows = torch.rand(batch, COLUMNS)
        self.net = GradSampleModule(Vae(), loss_reduction="sum")
        self.optimizer = DPOptimizer(torch.optim.Adam(self.net.parameters(), lr=1e-3), noise_multiplier=1.0,
                                     max_grad_norm=1.0, expected_batch_size=batch, loss_reduction="sum")

    def step(self):
        self.optimizer.zero_grad()
        self.net(self.rows).sum().backward()
        self.optimizer.step()


class Cgan:
    """Not private: generator 110-128-784, discriminator 794-128-1; one step of each."""

    def __init__(self, batch):
        self.batch = batch
        self.rows = torch.rand(batch, COLUMNS)
        self.labels = functional.one_hot(torch.randint(CLASSES, (batch,)), CLASSES).float()
        self.generate = nn.Sequential(nn.Linear(100 + CLASSES, 128), nn.ReLU(), nn.Linear(128, COLUMNS),
                                      nn.Sigmoid())
        self.judge = nn.Sequential(nn.Linear(COLUMNS + CLASSES, 128), nn.ReLU(), nn.Linear(128, 1))
        self.of_generator = torch.optim.Adam(self.generate.parameters(), lr=1e-3, fused=True)
        self.of_judge = torch.optim.Adam(self.judge.parameters(), lr=1e-3, fused=True)

    def fake(self):
        return self.generate(torch.cat([torch.randn(self.batch, 100), self.labels], dim=1))

    def loss(self, rows, target):
        judged = self.judge(torch.cat([rows, self.labels], dim=1))
        return functional.binary_cross_entropy_with_logits(judged, torch.full_like(judged, target))

    def step(self):
        self.of_judge.zero_grad(set_to_none=True)
        (self.loss(self.rows, 1.0) + self.loss(self.fake().detach(), 0.0)).backward()
        self.of_judge.step()
        self.of_generator.zero_grad(set_to_none=True)
        self.loss(self.fake(), 1.0).backward()
        self.of_generator.step()


class Rbm:
    """Not private, NumPy: 784-500, contrastive divergence of one step."""

    def __init__(self, batch):
        self.random = numpy.random.default_rng(1)
        self.batch = batch
        self.rows = self.random.random((batch, COLUMNS), dtype=numpy.float32)
        self.weights = 0.01 * self.random.standard_normal((COLUMNS, 500), dtype=numpy.float32)
        self.visible = numpy.zeros(COLUMNS, numpy.float32)
        self.hidden = numpy.zeros(500, numpy.float32)

    def step(self):
        def sigmoid(values):
            return 1 / (1 + numpy.exp(-values))

        up = sigmoid(self.rows @ self.weights + self.hidden)
        drawn = (self.random.random(up.shape, dtype=numpy.float32) < up).astype(numpy.float32)
        down = sigmoid(drawn @ self.weights.T + self.visible)
        again = sigmoid(down @ self.weights + self.hidden)
        rate = numpy.float32(0.1 / self.batch)
        self.weights += rate * (self.rows.T @ up - down.T @ again)
        self.visible += rate * (self.rows - down).sum(0)
        self.hidden += rate * (up - again).sum(0)
