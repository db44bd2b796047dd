"""PyTorch as its tuning guide says: data in tensors once, gradients set to None, the fused SGD, the faster of its two memory formats;
eagerly, and compiled by torch.compile, 'default' or 'max-autotune', whichever is faster here."""
import os
import time

os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # no processes of its own
import torch
from protocol import THREADS, Skip, openblas, serve
from pytorch_network import build, loss_of

torch.set_num_threads(THREADS)
EAGER, COMPILED = "eager", "compiled"


def about():
    onednn = "oneDNN" if torch.backends.mkldnn.is_available() else "no oneDNN"
    return {"name": f"PyTorch {torch.__version__}", "kernel": f"{onednn}; {openblas()}"}


def mean(values):
    return sum(values) / len(values)


def faster(candidates, seconds):
    return min(candidates, key=seconds) if len(candidates) > 1 else candidates[0]


class Data:
    """Inputs and labels; images in a memory format."""

    def __init__(self, case):
        self.inputs = [self.tensor(case.array(about["name"])) for about in case.inputs]
        self.y = torch.from_numpy(case.array("y")).long()

    def tensor(self, values):
        x = torch.from_numpy(values)
        return x.permute(0, 3, 1, 2).contiguous() if x.dim() == 4 else x

    @property
    def has_images(self):
        return any(x.dim() == 4 for x in self.inputs)

    def use(self, memory_format):
        self.inputs = [x.contiguous(memory_format=memory_format) if x.dim() == 4 else x for x in self.inputs]

    def batch(self, rows):
        """index_select is faster than indices, but forgets that channels come last."""
        inputs = [x.index_select(0, rows) if x.is_contiguous() else x[rows] for x in self.inputs]
        return inputs, self.y.index_select(0, rows)


class Training:
    """A network with its optimizer; `compile` says how, or None."""

    def __init__(self, case, data, memory_format, compile=None):
        self.model = build(case).to(memory_format=memory_format)
        self.optimizer = sgd(self.model.parameters(), case.learningRate)
        criterion = loss_of(case)

        def loss(rows):
            inputs, y = data.batch(rows)
            return criterion(self.model(*inputs), y)

        self.loss = loss
        if compile:
            torch._dynamo.reset()  # else every call looks through what was compiled before
            self.loss = torch.compile(loss, mode=compile)

    def step(self, rows):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(rows)
        loss.backward()
        self.optimizer.step()
        return loss


def sgd(parameters, rate):
    parameters = list(parameters)
    try:
        return torch.optim.SGD(parameters, lr=rate, fused=True)
    except (TypeError, RuntimeError):  # before 2.4
        return torch.optim.SGD(parameters, lr=rate)


class Network:
    def __init__(self, case):
        self.case, self.data = case, Data(case)
        formats = [torch.contiguous_format]
        if case.kind == "train" and self.data.has_images:
            formats.append(torch.channels_last)
        best = faster(formats, lambda memory_format: self.time(self.training(memory_format)))
        choices = [str(best).split(".")[-1]] if len(formats) > 1 else []
        self.ways = {EAGER: lambda: self.training(best)}
        if case.kind == "train":
            choices.append(self.compile(best))
        self.choice = "; ".join(choices)
        self.modes = list(self.ways)
        self.trainings = {mode: make() for mode, make in self.ways.items()}
        self.losses_of = {mode: self.check(training) for mode, training in self.trainings.items()}
        self.losses = self.losses_of[EAGER]
        if case.kind == "train":
            for mode in self.modes:
                self.run(1, mode)  # warm

    def training(self, memory_format, compile=None):
        self.data.use(memory_format)
        return Training(self.case, self.data, memory_format, compile)

    def compile(self, memory_format):
        """Adds the faster way to compile, and says which it is; without a C++ compiler there is none."""
        if not hasattr(torch, "compile"):
            return "no torch.compile"
        try:
            mode = faster(["default", "max-autotune"], lambda mode: self.time(self.training(memory_format, mode)))
        except Exception as error:  # noqa: BLE001 a compiler fails in many ways
            return f"eager alone, torch.compile failed: {type(error).__name__}: {str(error).splitlines()[0][:200]}"
        self.ways[COMPILED] = lambda: self.training(memory_format, mode)
        return f"torch.compile: {mode}"

    def check(self, training):
        if "batches" not in self.case["arrays"]:
            return []
        groups = torch.from_numpy(self.case.array("batches")).long()
        return [mean([training.step(rows).item() for rows in group]) for group in groups]

    def time(self, training):
        """The better of two epochs, after two that warm up or compile."""
        times = []
        for _ in range(4):
            start = time.perf_counter()
            self.epoch(training)
            times.append(time.perf_counter() - start)
        return min(times[2:])

    def epoch(self, training):
        for rows in torch.randperm(len(self.data.y)).split(self.case.batchSize):
            training.step(rows)

    def run(self, epochs, mode=EAGER):
        for _ in range(epochs):
            self.epoch(self.trainings[mode])
        return epochs * (len(self.data.y) // self.case.batchSize)


class Prediction:
    def __init__(self, case):
        data, model = Data(case), build(case).eval()
        rows = data.inputs[0][: case.rows]

        def caller(predict):
            def call():
                with torch.inference_mode():
                    return predict(rows)

            return call

        def probabilities(x):
            return torch.softmax(model(x), 1)

        self.calls = {EAGER: caller(probabilities)}
        if hasattr(torch, "compile"):
            torch._dynamo.reset()
            compiled = caller(torch.compile(probabilities))
            try:
                compiled()
                self.calls[COMPILED] = compiled
            except Exception as error:  # noqa: BLE001 as above
                self.choice = f"eager alone, torch.compile failed: {type(error).__name__}"
        self.modes = list(self.calls)
        self.losses_of = {mode: call()[0].tolist() for mode, call in self.calls.items()}
        self.losses = self.losses_of[EAGER]


def open_case(case):
    kinds = {"train": Network, "start": Network, "memory": Network, "predict": Prediction}
    if case.kind not in kinds:
        raise Skip("PyTorch has no such class" if case.kind.startswith("mlp") else "not a thing PyTorch does")
    return kinds[case.kind](case)


if __name__ == "__main__":
    serve(about, open_case)
