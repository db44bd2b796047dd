"""The lecture's NumPy code path: dense layers, minibatches by `choice` without replacement, gradients in plain expressions."""
import numpy as np
from protocol import Skip, openblas, serve

np.seterr(all="ignore")


def about():
    return {"name": f"NumPy {np.__version__}", "kernel": openblas()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


ACTIVATIONS = {"sigmoid": (sigmoid, lambda a: a * (1 - a)), "relu": (lambda z: np.maximum(z, 0), lambda a: a > 0)}


class Network:
    """Gradients are means over the batch; the lecture's sums with eta / batch are the same updates."""

    def __init__(self, case):
        if not case.is_plain:
            raise Skip("the lecture's NumPy code has no graph of layers and no loss of one's own")
        if any(layer["kind"] != "dense" for layer in case.layers):
            raise Skip("the lecture's NumPy code has no convolution")
        self.case = case
        self.hidden = [ACTIVATIONS[layer["activation"]] for layer in case.layers[:-1]]
        self.x = case.array("x")
        self.y = np.eye(case.layers[-1]["units"], dtype=self.x.dtype)[case.array("y")]
        self.p = case.weights()
        self.rate = self.x.dtype.type(case.learningRate / case.batchSize)
        self.losses = []
        if "batches" in case["arrays"]:
            self.losses = [np.mean([self.loss_and_step(rows) for rows in group]) for group in case.array("batches")]
        self.p = case.weights()

    def forward(self, x):
        outputs = [x]
        for i, (f, _) in enumerate(self.hidden):
            outputs.append(f(outputs[-1] @ self.p[2 * i] + self.p[2 * i + 1]))
        outputs.append(softmax(outputs[-1] @ self.p[-2] + self.p[-1]))
        return outputs

    def step(self, x, y):
        a = self.forward(x)
        delta = a[-1] - y
        gradients = []
        for i in range(len(self.hidden), -1, -1):
            gradients[:0] = [a[i].T @ delta, delta.sum(axis=0)]
            if i > 0:
                delta = (delta @ self.p[2 * i].T) * self.hidden[i - 1][1](a[i])
        for p, g in zip(self.p, gradients):
            p -= self.rate * g

    def loss_and_step(self, rows):
        x, y = self.x[rows], self.y[rows]
        loss = -np.mean(np.log(self.forward(x)[-1][y == 1]))
        self.step(x, y)
        return loss

    def run(self, epochs):
        n, batch = len(self.x), self.case.batchSize
        index = np.arange(n)
        random = np.random.RandomState(0)
        for _ in range(epochs * (n // batch)):
            rows = random.choice(index, size=batch, replace=False)
            self.step(self.x[rows], self.y[rows])
        return epochs * (n // batch)


class Prediction(Network):
    def __init__(self, case):
        super().__init__(case)
        self.rows = self.x[: case.rows]
        self.losses = self.forward(self.rows)[-1][0]

    def call(self):
        return self.forward(self.rows)[-1]


class Grid:
    """Eta varies slowest; every network draws its weights, then its batches, from one generator."""

    def __init__(self, case):
        self.case = case
        self.x = case.array("x")
        self.labels = case.array("y")
        self.losses = self.scores(1)

    def run(self, repetitions):
        for _ in range(repetitions):
            self.scores(self.case.epochs)
        return repetitions

    def scores(self, epochs):
        random = np.random.RandomState(self.case.seed)
        points = [(eta, lmbd) for eta in self.values() for lmbd in self.values()]
        return [self.train(random, eta, lmbd, epochs) for eta, lmbd in points]

    def values(self):
        return np.logspace(-5, 1, self.case.points)

    def train(self, random, eta, lmbd, epochs):
        x, n, batch = self.x, len(self.x), self.case.batchSize
        y = np.eye(10)[self.labels]
        wh = random.randn(x.shape[1], self.case.hidden)
        bh = np.zeros(self.case.hidden) + 0.01
        wo = random.randn(self.case.hidden, 10)
        bo = np.zeros(10) + 0.01
        index = np.arange(n)
        for _ in range(epochs * (n // batch)):
            rows = random.choice(index, size=batch, replace=False)
            xb = x[rows]
            a = sigmoid(xb @ wh + bh)
            d_o = softmax(a @ wo + bo) - y[rows]
            d_h = (d_o @ wo.T) * a * (1 - a)
            dwo = a.T @ d_o + lmbd * wo
            dwh = xb.T @ d_h + lmbd * wh
            wo -= eta * dwo
            bo -= eta * d_o.sum(axis=0)
            wh -= eta * dwh
            bh -= eta * d_h.sum(axis=0)
        return np.mean((sigmoid(x @ wh + bh) @ wo + bo).argmax(axis=1) == self.labels)


def open_case(case):
    kinds = {"train": Network, "start": Network, "memory": Network, "predict": Prediction, "grid": Grid}
    if case.kind not in kinds:
        raise Skip("not a thing the lecture's code does")
    return kinds[case.kind](case)


if __name__ == "__main__":
    serve(about, open_case)
