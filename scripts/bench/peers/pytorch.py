"""PyTorch as its tuning guide says: data in tensors once, gradients set to None, the faster of its two memory formats."""
import time

import numpy as np
import torch
from protocol import THREADS, Skip, openblas, serve
from torch import nn

torch.set_num_threads(THREADS)


def about():
    onednn = "oneDNN" if torch.backends.mkldnn.is_available() else "no oneDNN"
    return {"name": f"PyTorch {torch.__version__}", "kernel": f"{onednn}; {openblas()}"}


ACTIVATIONS = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}


def build(case):
    """The network, and its weights in PyTorch's layouts; the softmax is part of the loss."""
    modules = []
    shape = list(case.inputShape)
    image = None  # channels last, before flatten
    weights = iter(case.weights())
    with torch.no_grad():
        for layer in case.layers:
            if layer["kind"] == "dense":
                w, b = next(weights), next(weights)
                if image:  # rows in the order of [channels, height, width]
                    w = w.reshape(*image, -1).transpose(2, 0, 1, 3).reshape(w.shape)
                    image = None
                module = nn.Linear(*w.shape)
                module.weight.data = torch.from_numpy(np.ascontiguousarray(w.T))
                module.bias.data = torch.from_numpy(b)
                shape = [w.shape[1]]
            elif layer["kind"] == "conv2d":
                w, b = next(weights), next(weights)
                k = w.shape[0]
                edge = (k - 1) // 2 if layer["padding"] == "same" else 0
                module = nn.Conv2d(w.shape[2], w.shape[3], k, padding=edge)
                module.weight.data = torch.from_numpy(np.ascontiguousarray(w.transpose(3, 2, 0, 1)))
                module.bias.data = torch.from_numpy(b)
                shape = [shape[0] + 2 * edge - k + 1, shape[1] + 2 * edge - k + 1, w.shape[3]]
            elif layer["kind"] == "maxPooling2d":
                module = nn.MaxPool2d(layer["poolSize"])
                shape = [shape[0] // layer["poolSize"], shape[1] // layer["poolSize"], shape[2]]
            else:
                module = nn.Flatten()
                image = shape
            modules.append(module)
            if layer.get("activation") in ACTIVATIONS:
                modules.append(ACTIVATIONS[layer["activation"]]())
    return nn.Sequential(*modules)


class Network:
    def __init__(self, case):
        self.case = case
        x = case.array("x")
        self.y = torch.from_numpy(case.array("y")).long()
        self.x = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x)
        self.criterion = nn.CrossEntropyLoss()
        self.losses = []
        self.choice = None
        formats = [torch.contiguous_format]
        if x.ndim == 4 and case.kind == "train":
            formats.append(torch.channels_last)
        times = []
        for memory_format in formats:
            self.use(memory_format)
            if "batches" in case["arrays"]:
                groups = torch.from_numpy(case.array("batches")).long()
                self.losses = [np.mean([self.step(rows).item() for rows in group]) for group in groups]
            if case.kind != "train":
                continue
            self.run(1)
            start = time.perf_counter()
            self.run(1)
            times.append(time.perf_counter() - start)
        if len(times) > 1:
            self.use(formats[int(np.argmin(times))])
            self.choice = str(formats[int(np.argmin(times))]).split(".")[-1]

    def use(self, memory_format):
        if self.x.dim() == 4:
            self.x = self.x.contiguous(memory_format=memory_format)
            self.model = build(self.case).to(memory_format=memory_format)
        else:
            self.model = build(self.case)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=self.case.learningRate)

    def step(self, rows):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.criterion(self.model(self.x[rows]), self.y[rows])
        loss.backward()
        self.optimizer.step()
        return loss

    def run(self, epochs):
        n, batch = len(self.x), self.case.batchSize
        for _ in range(epochs):
            for rows in torch.randperm(n).split(batch):
                self.step(rows)
        return epochs * (n // batch)


class Prediction(Network):
    def __init__(self, case):
        super().__init__(case)
        self.model = build(case).eval()
        self.rows = self.x[: case.rows]
        self.losses = self.call()[0].tolist()

    def call(self):
        with torch.inference_mode():
            return torch.softmax(self.model(self.rows), 1)


def open_case(case):
    kinds = {"train": Network, "start": Network, "memory": Network, "predict": Prediction}
    if case.kind not in kinds:
        raise Skip("PyTorch has no such class" if case.kind.startswith("mlp") else "not a thing PyTorch does")
    return kinds[case.kind](case)


if __name__ == "__main__":
    serve(about, open_case)
