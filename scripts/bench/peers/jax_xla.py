"""JAX on XLA: data and weights on the device, buffers donated; a whole epoch in one jitted scan, and one jitted call a step.

XLA's loops run convolutions without its fast kernels for processors: where a scan is no match, only single steps are measured.
"""
import time

import xla_threads  # noqa: F401 sets the environment that JAX reads
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from protocol import Skip, serve

SCAN, STEP = "lax.scan", "jitted step"


def about():
    return {"name": f"JAX {jax.__version__}", "kernel": "XLA, Eigen, oneDNN"}


def windows(x, size):
    """[n, rows, size, columns, size, depth]"""
    n, height, width, depth = x.shape
    rows, columns = height // size, width // size
    return x[:, : rows * size, : columns * size].reshape(n, rows, size, columns, size, depth)


def pool_by_max(x, size):
    return windows(x, size).max((2, 4))


def pool_by_pairs(x, size):
    """The gradient of `maximum` is cheaper here than that of `max`, mostly."""
    parts = windows(x, size)
    parts = [parts[:, :, i, :, j] for i in range(size) for j in range(size)]
    while len(parts) > 1:
        parts = [jnp.maximum(*parts[i : i + 2]) if i + 1 < len(parts) else parts[i] for i in range(0, len(parts), 2)]
    return parts[0]


POOLS = {"pooling by max": pool_by_max, "pooling by maximum of pairs": pool_by_pairs}
ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "softmax": lambda z: z, None: lambda z: z}


def batch_normalization(x, weights, moving):
    """With the batch's own moments; also the new moving averages."""
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axes)
    variance = jnp.square(x).mean(axes) - jnp.square(mean)
    scale = weights[0] * lax.rsqrt(variance + 1e-3)
    return x * scale + (weights[1] - mean * scale), [0.99 * moving[0] + 0.01 * mean, 0.99 * moving[1] + 0.01 * variance]


def convolution(x, kernel, padding):
    return lax.conv_general_dilated(x, kernel, (1, 1), padding.upper(), dimension_numbers=("NHWC", "HWIO", "NHWC"))


def steps_of(x, kernel, bias):
    """What the inputs contribute to each step, [steps, n, columns]: one product before the loop."""
    return jnp.swapaxes(x @ kernel + bias, 0, 1)


def lstm(x, kernel, states, bias):
    """The last output; gates i, f, c, o as Keras has them."""

    def step(carry, z):
        h, c = carry
        i, f, g, o = jnp.split(z + h @ states, 4, 1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((len(x), states.shape[0]), x.dtype)
    return lax.scan(step, (zeros, zeros), steps_of(x, kernel, bias))[0][0]


def gru(x, kernel, states, bias):
    """The same; gates z, r, h."""

    def step(h, z):
        xz, xr, xh = jnp.split(z, 3, 1)
        hz, hr, hh = jnp.split(h @ states + bias[1], 3, 1)
        update = jax.nn.sigmoid(xz + hz)
        return update * h + (1 - update) * jnp.tanh(xh + jax.nn.sigmoid(xr + hr) * hh), None

    return lax.scan(step, jnp.zeros((len(x), states.shape[0]), x.dtype), steps_of(x, kernel, bias[0]))[0]


def attention(x, causal, *weights):
    """Of a sequence with itself."""
    q, k, v = [jnp.einsum("btd,dhk->bthk", x, w) + b for w, b in zip(weights[:6:2], weights[1:6:2])]
    mixed = jax.nn.dot_product_attention(q, k, v, is_causal=causal)
    return jnp.einsum("bthk,hkd->btd", mixed, weights[6]) + weights[7]


def layer_normalization(x, gamma, beta):
    mean = x.mean(-1, keepdims=True)
    centred = x - mean
    return centred * (gamma * lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + 1e-3)) + beta


def forward(case, pool, weights, moving, inputs):
    """The logits, and the moving averages of each layer."""
    values, averages = list(inputs), []
    for layer, about, w, average in zip(case.layers, case.network, weights, moving):
        read = [values[i] for i in about["sources"]]
        x, kind = read[0], layer["kind"]
        if kind == "dense":
            x = x @ w[0] + w[1]
        elif kind == "conv2d":
            x = convolution(x, w[0], layer["padding"]) + w[1]
        elif kind == "batchNormalization":
            x, average = batch_normalization(x, w, average)
        elif kind == "maxPooling2d":
            x = pool(x, layer["poolSize"])
        elif kind == "globalAveragePooling2d":
            x = x.mean((1, 2))
        elif kind == "globalAveragePooling1d":
            x = x.mean(1)
        elif kind == "multiHeadAttention":
            x = attention(x, layer["causal"], *w)
        elif kind == "layerNormalization":
            x = layer_normalization(x, *w)
        elif kind == "flatten":
            x = x.reshape(len(x), -1)
        elif kind == "embedding":
            x = w[0][x]
        elif kind in ("lstm", "gru"):
            x = {"lstm": lstm, "gru": gru}[kind](x, *w)
        elif kind == "add":
            x = sum(read[1:], x)
        elif kind == "concatenate":
            x = jnp.concatenate(read, -1)
        values.append(ACTIVATIONS[layer.get("activation")](x))
        averages.append(average)
    return values[-1], averages


def cross_entropy(z, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1)[:, 0]


def focal(z, y):
    entropy = cross_entropy(z, y)
    return jnp.square(1 - jnp.exp(-entropy)) * entropy


def programs(case, pool):
    """{ mode: a jitted function of (weights and moving averages, rows, data), which gives the former and losses }"""
    loss_of = focal if case.loss == "focal" else cross_entropy

    def loss(weights, moving, inputs, y):
        z, moving = forward(case, pool, weights, moving, inputs)
        return loss_of(z, y).mean(), moving

    def step(state, rows, inputs, y):
        weights, moving = state
        batch = [x[rows] for x in inputs], y[rows]
        (value, moving), gradients = jax.value_and_grad(loss, has_aux=True)(weights, moving, *batch)
        return (jax.tree.map(lambda w, g: w - case.learningRate * g, weights, gradients), moving), value

    def epoch(state, rows, inputs, y):
        return lax.scan(lambda state, batch: step(state, batch, inputs, y), state, rows)

    return {SCAN: jax.jit(epoch, donate_argnums=0), STEP: jax.jit(step, donate_argnums=0)}


class Network:
    def __init__(self, case):
        jax.config.update("jax_enable_x64", case.dtype == "float64")
        self.case = case
        self.data = [jnp.asarray(case.array(about["name"])) for about in case.inputs], jnp.asarray(case.array("y"))
        self.random = np.random.default_rng(0)
        self.losses = []
        self.begin(pool_by_max)
        if case.kind == "train":
            self.choose()
        if "batches" in case["arrays"]:
            self.losses_of = {mode: self.check(mode) for mode in self.modes}
            self.losses = self.losses_of[self.modes[0]]
        self.state = self.initial()
        if case.kind == "train":
            for mode in self.modes:
                self.run(1, mode)  # compiled for a whole epoch

    def begin(self, pool):
        self.programs = programs(self.case, pool)
        self.modes = [STEP]
        self.state = self.initial()

    def initial(self):
        """Weights that are trained and moving averages, of each layer."""
        of = [[jnp.array(w) for w in ws] for ws in self.case.layer_weights()]
        trained = [2 if layer["kind"] == "batchNormalization" else len(w) for layer, w in zip(self.case.layers, of)]
        return [w[:n] for w, n in zip(of, trained)], [w[n:] for w, n in zip(of, trained)]

    def choose(self):
        """The faster pooling; and whether a scan is worth its measuring, on two steps of few samples, of which it may make a lot."""
        if any(layer["kind"] == "maxPooling2d" for layer in self.case.layers):
            times = {}
            for name, pool in POOLS.items():
                self.begin(pool)
                times[name] = self.time(STEP, self.rows()[:1])
            self.choice = min(times, key=times.get)
            self.begin(POOLS[self.choice])
        few = self.rows()[:2, :16].repeat(2, 0)[:2]
        if not any(layer["kind"] == "conv2d" for layer in self.case.layers) or (
            self.time(SCAN, few) < 2 * self.time(STEP, few)
        ):
            self.modes = [SCAN, STEP]

    def time(self, mode, rows):
        """The best of three, after one that compiles."""
        times = []
        for _ in range(4):
            start = time.perf_counter()
            self.steps(mode, rows)
            jax.block_until_ready(self.state)
            times.append(time.perf_counter() - start)
        return min(times[1:])

    def steps(self, mode, rows):
        if mode == SCAN:
            self.state, losses = self.programs[SCAN](self.state, rows, *self.data)
            return losses
        losses = []
        for batch in rows:
            self.state, loss = self.programs[STEP](self.state, batch, *self.data)
            losses.append(loss)
        return losses

    def check(self, mode):
        self.state = self.initial()
        return [np.mean([float(loss) for loss in self.steps(mode, group)]) for group in self.case.array("batches")]

    def rows(self):
        """A new permutation, in batches; int32, as the device's indices are."""
        n, batch = len(self.data[1]), self.case.batchSize
        return self.random.permutation(np.arange(n, dtype=np.int32))[: n // batch * batch].reshape(-1, batch)

    def run(self, epochs, mode=STEP):
        for _ in range(epochs):
            self.steps(mode, self.rows())
        jax.block_until_ready(self.state)
        return epochs * (len(self.data[1]) // self.case.batchSize)


class Prediction:
    def __init__(self, case):
        jax.config.update("jax_enable_x64", case.dtype == "float64")
        weights = [[jnp.array(w) for w in ws] for ws in case.layer_weights()]
        rows = jnp.asarray(case.array("x")[: case.rows])
        predict = jax.jit(lambda w, x: jax.nn.softmax(forward(case, pool_by_max, w, [[]] * len(w), [x])[0]))
        self.call = lambda: np.asarray(predict(weights, rows))
        self.losses = self.call()[0]


def open_case(case):
    kinds = {"train": Network, "start": Network, "memory": Network, "predict": Prediction}
    if case.kind not in kinds:
        raise Skip("JAX has no such class" if case.kind.startswith("mlp") else "not a thing JAX does")
    return kinds[case.kind](case)


if __name__ == "__main__":
    serve(about, open_case)
