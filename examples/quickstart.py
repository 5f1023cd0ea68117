# SPDX-License-Identifier: BSD-3-Clause
"""quickstart.py [IMAGES LABELS [OUTPUT]]: a synthetic Fashion-MNIST, or another set of images in 10 classes."""
import sys

import dpmix

FASHION = "/usr/share/datasets/fashion-mnist/train-{}-ubyte.gz"
defaults = [FASHION.format("images-idx3"), FASHION.format("labels-idx1"), "quickstart.dpmix"]
images, labels, output = sys.argv[1:] + defaults[len(sys.argv) - 1:]

records = dpmix.Dataset.from_idx(images, labels, lower=0, upper=255, classes=10)
budget = dpmix.Accountant(epsilon=1.0, delta=1e-5, adjacency="add-remove")
mixture = dpmix.Mixture(None, dpmix.Generator("gmm")).fit(records, budget, share=0.6, progress=True)
mixture.teach(records, budget, share=1.0, progress=True)  # what is left: a classifier that labels the samples
mixture.save(output)

samples = mixture.sample(10)
for row, label in zip(samples.rows.tolist(), samples.labels.tolist()):
    print(f"class {label}, mean pixel {sum(row) / len(row):.1f}")
print(budget.report())
