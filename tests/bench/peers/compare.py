# SPDX-License-Identifier: BSD-3-Clause
"""The library's training against that of others: by turns in one run, on one core, by the processor's clock.

Usage: compare.py BENCH_DIRECTORY [ROUNDS]

Each figure is the median of the rounds, each ratio the median of the rounds' ratios. Exits with 77 (skipped)
where there is no PyTorch or no Opacus: setup.sh makes an environment that has them.
"""
import json
import os
import statistics
import subprocess
import sys
import time
import warnings

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
warnings.filterwarnings("ignore", message="Using a non-full backward hook")
try:
    import nets
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

# Name, class, batch, steps of a round.
PEERS = [
    ("torch_vae_b1024", nets.VaePublic, 1024, 20),
    ("torch_vae_b256", nets.VaePublic, 256, 80),
    ("opacus_ghost_vae_b1024", nets.VaeGhost, 1024, 10),
    ("opacus_ghost_vae_b256", nets.VaeGhost, 256, 40),
    ("opacus_hooks_vae_b1024", nets.VaeHooks, 1024, 1),
    ("opacus_hooks_vae_b256", nets.VaeHooks, 256, 2),
    ("torch_cgan_b256", nets.Cgan, 256, 60),
    ("numpy_rbm_b256", nets.Rbm, 256, 30),
]
# Our figure, the program that measures it, the peers that it is held against.
OURS = [
    ("vae_private_b1024", "vae_bench",
     ["torch_vae_b1024", "opacus_ghost_vae_b1024", "opacus_hooks_vae_b1024"]),
    ("vae_private_b256", "vae_bench", ["torch_vae_b256", "opacus_ghost_vae_b256", "opacus_hooks_vae_b256"]),
    ("cgan_private_b256", "vae_bench", ["torch_cgan_b256"]),
    ("rbm_private_b256", "vae_bench", ["numpy_rbm_b256"]),
]


def run_peer(peer, batch, steps):
    """Records a second, after a first step that allocates."""
    training = peer(batch)
    training.step()
    start = time.process_time()
    for _ in range(steps):
        training.step()
    return steps * batch / (time.process_time() - start)


def run_ours(directory, program, name):
    done = subprocess.run([os.path.join(directory, program), name], check=True, capture_output=True,
                          text=True)
    return float(done.stdout)


def main():
    directory, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    torch.set_num_threads(1)
    values = {}
    for _ in range(rounds):
        for name, program, _ in OURS:
            values.setdefault(name, []).append(run_ours(directory, program, name))
        for name, peer, batch, steps in PEERS:
            values.setdefault(name, []).append(run_peer(peer, batch, steps))
    for name, *_ in PEERS:
        print(json.dumps({"name": name, "value": round(statistics.median(values[name])),
                          "unit": "samples/s"}))
    for name, _, peers in OURS:
        for peer in peers:
            ratio = statistics.median(a / b for a, b in zip(values[name], values[peer]))
            print(json.dumps({"name": name, "value": round(statistics.median(values[name])),
                              "unit": "samples/s", "against": peer, "ratio": round(ratio, 3)}))


main()
