"""Operations and a training of tinygrad on the simulated GPU, beside NumPy and beside its own reference backend's losses."""
import os
import sys

os.environ["DEV"] = "CUDA"
import numpy as np
from tinygrad import Device, Tensor, TinyJit, nn

assert Device.DEFAULT == "CUDA", Device.DEFAULT
rng = np.random.default_rng(0)


def values(*shape):
    return rng.standard_normal(shape).astype(np.float32)


a, b, c = values(33, 65), values(33, 65), values(65, 17)
checks = {
    "add": (lambda: Tensor(a) + Tensor(b), a + b),
    "mul": (lambda: Tensor(a) * Tensor(b), a * b),
    "matmul": (lambda: Tensor(a) @ Tensor(c), a @ c),
    "exp": (lambda: Tensor(a).exp(), np.exp(a)),
    "sum": (lambda: Tensor(a).sum(axis=1), a.sum(axis=1)),
    "max": (lambda: Tensor(a).max(axis=0), a.max(axis=0)),
    "relu": (lambda: Tensor(a).relu(), np.maximum(a, 0)),
    "sqrt": (lambda: Tensor(np.abs(a)).sqrt(), np.sqrt(np.abs(a))),
    "softmax": (lambda: Tensor(a).softmax(), np.exp(a - a.max(1, keepdims=True)) / np.exp(a - a.max(1, keepdims=True)).sum(1, keepdims=True)),
    "transpose": (lambda: Tensor(a).transpose().contiguous(), a.T),
    "argmax": (lambda: Tensor(a).argmax(axis=1), a.argmax(axis=1)),
    "cumsum": (lambda: Tensor(a).cumsum(axis=1), a.cumsum(axis=1)),
    "half": (lambda: Tensor(a).half().float(), a.astype(np.float16).astype(np.float32)),
    "where": (lambda: (Tensor(a) > 0).where(Tensor(b), 0), np.where(a > 0, b, 0)),
    "conv2d": (lambda: Tensor(a.reshape(1, 1, 33, 65)).conv2d(Tensor(np.ones((1, 1, 3, 3), np.float32))),
               sum(a[i:i + 31, j:j + 63] for i in range(3) for j in range(3)).reshape(1, 1, 31, 63)),
}
for name, (run, want) in checks.items():
    got = run().numpy()
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, err_msg=name)

# A network that is trained: the second and later steps run as CUDA graphs.
w1, w2, x = values(64, 32) / 8, values(32, 10) / 6, values(16, 64)
y = rng.integers(0, 10, 16)


def reference(steps, rate):
    p, q, losses = w1.astype(np.float64), w2.astype(np.float64), []
    for _ in range(steps):
        h = np.maximum(x @ p, 0)
        z = h @ q
        e = np.exp(z - z.max(1, keepdims=True))
        s = e / e.sum(1, keepdims=True)
        losses.append(-np.log(s[np.arange(16), y]).mean())
        dz = s.copy()
        dz[np.arange(16), y] -= 1
        dz /= 16
        dh = dz @ q.T * (h > 0)
        p, q = p - rate * x.T @ dh, q - rate * h.T @ dz
    return losses


p, q, tx, ty = Tensor(w1).realize(), Tensor(w2).realize(), Tensor(x).realize(), Tensor(y.astype(np.int32)).realize()
optimizer = nn.optim.SGD([p, q], lr=0.1)


@TinyJit
def step(x, y):
    optimizer.zero_grad()
    loss = (x @ p).relu().matmul(q).sparse_categorical_crossentropy(y)
    loss.backward()
    return loss.realize(*optimizer.schedule_step())


with Tensor.train():
    got = [step(tx, ty).item() for _ in range(6)]
np.testing.assert_allclose(got, reference(6, 0.1), rtol=1e-5)
print(f"tinygrad: {len(checks)} operations and 6 steps of a training agree with NumPy", file=sys.stderr)
