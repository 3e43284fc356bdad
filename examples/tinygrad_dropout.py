"""A training step of a 784-512-512-10 network in tinygrad, on the CPU and on the simulated GPU, with one of three methods:

  dense     no dropout
  dropout   conventional: half of a layer's outputs, a new mask for every sample, set to zero after the product
  rdp       regular dropout in rows: of every DP neurons all samples keep the one that BIAS names, and the products are made of
            the kept rows and columns of the weights, which are slices of the tensors

  warpdrop exec --json launches.json -- python examples/tinygrad_dropout.py --method rdp

The losses of both devices are printed and have to agree; tinygrad's CPU device needs clang (CC=clang-19). What is in launches.json is the GPU's part. See docs/design/driver.md."""
import argparse
import sys

import numpy as np
from tinygrad import Tensor, nn

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("--method", choices=["dense", "dropout", "rdp"], default="dense")
p.add_argument("--hidden", type=int, default=512)
p.add_argument("--batch", type=int, default=128)
p.add_argument("--steps", type=int, default=2)
p.add_argument("--dp", type=int, default=2, help="rdp: one of so many neurons is kept")
p.add_argument("--device", default="CUDA")
args = p.parse_args()


def train(device):
    rng = np.random.default_rng(1)
    sizes = [784, args.hidden, args.hidden, 10]
    weights = [Tensor((rng.standard_normal((i, o)) / i**0.5).astype(np.float32), device=device).realize() for i, o in zip(sizes, sizes[1:])]
    biases = [Tensor(np.zeros(o, np.float32), device=device).realize() for o in sizes[1:]]
    optimizer = nn.optim.SGD(weights + biases, lr=0.01, momentum=0.9)
    losses = []
    for step in range(args.steps):
        x = Tensor(rng.random((args.batch, 784), np.float32), device=device).realize()
        y = Tensor(rng.integers(0, 10, args.batch).astype(np.int32), device=device).realize()
        masks = [Tensor((rng.random((args.batch, args.hidden)) < 0.5).astype(np.float32), device=device).realize() for _ in range(2)]
        if args.method != "dropout":
            masks = None
        kept = slice(step % args.dp, None, args.dp) if args.method == "rdp" else slice(None)
        scale = {"dense": 1, "dropout": 2, "rdp": args.dp}[args.method]
        columns = slice(None)  # of the input, those that the layer before kept
        for layer in range(3):
            rows, columns = columns, kept if layer < 2 else slice(None)
            x = x @ weights[layer][rows, columns] + biases[layer][columns]
            if layer < 2:
                x = x.relu() * scale
                if masks:
                    x = x * masks[layer]
        optimizer.zero_grad()
        loss = x.sparse_categorical_crossentropy(y)
        loss.backward()
        loss.realize(*optimizer.schedule_step())
        losses.append(loss.item())
    return losses


with Tensor.train():
    want, got = train("CPU"), train(args.device)
for step, (w, g) in enumerate(zip(want, got)):
    print(f"step {step}: loss {w:.6f} on the CPU, {g:.6f} on {args.device}")
np.testing.assert_allclose(got, want, rtol=2e-5)
print("the losses agree", file=sys.stderr)
