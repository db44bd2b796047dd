"""A case's network in PyTorch, with its weights in PyTorch's layouts; the softmax is part of the loss."""
import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}


class Add(nn.Module):
    def forward(self, a, b):
        return a + b


class Concatenate(nn.Module):
    def forward(self, *values):
        return torch.cat(values, 1)


class Mean(nn.Module):
    def __init__(self, axes):
        super().__init__()
        self.axes = axes

    def forward(self, x):
        return x.mean(self.axes)


class SelfAttention(nn.Module):
    def __init__(self, module, causal, steps):
        super().__init__()
        self.module = module
        self.causal = causal
        self.register_buffer("hidden", nn.Transformer.generate_square_subsequent_mask(steps) if causal else None)

    def forward(self, x):
        return self.module(x, x, x, need_weights=False, is_causal=self.causal, attn_mask=self.hidden)[0]


class Last(nn.Module):
    """The last output of a recurrent module."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x)[0][:, -1]


class Graph(nn.Module):
    """Each module reads the values of its sources: inputs first, then what the modules before it gave."""

    def __init__(self, modules, sources):
        super().__init__()
        self.parts = nn.ModuleList(modules)
        self.sources = sources

    def forward(self, *inputs):
        values = list(inputs)
        for module, sources in zip(self.parts, self.sources):
            values.append(module(*[values[i] for i in sources]))
        return values[-1]


def build(case):
    shapes = [about["shape"] for about in case.inputs] + [about["shape"] for about in case.network]
    modules, image = [], None
    with torch.no_grad():
        for layer, about, weights in zip(case.layers, case.network, case.layer_weights()):
            shape = shapes[about["sources"][0]]
            if layer["kind"] == "flatten" and len(shape) == 3:
                image = shape
            if layer["kind"] == "dense" and image:  # rows in the order of [channels, height, width]
                w = weights[0]
                weights[0] = w.reshape(*image, -1).transpose(2, 0, 1, 3).reshape(w.shape)
                image = None
            module = MODULES[layer["kind"]]({**layer, "steps": shape[0]}, weights)
            activation = ACTIVATIONS.get(layer.get("activation"))
            modules.append(nn.Sequential(module, activation()) if activation and module else module or activation())
    sources = [about["sources"] for about in case.network]
    if all(of == [i] for i, of in enumerate(sources)):
        flat = [m for module in modules for m in (module if isinstance(module, nn.Sequential) else [module])]
        return nn.Sequential(*flat)
    return Graph(modules, sources)


def dense(_, weights):
    w, b = weights
    module = nn.Linear(*w.shape)
    module.weight.data = torch.from_numpy(np.ascontiguousarray(w.T))
    module.bias.data = torch.from_numpy(b)
    return module


def conv2d(layer, weights):
    w, b = weights
    k = w.shape[0]
    module = nn.Conv2d(w.shape[2], w.shape[3], k, padding=(k - 1) // 2 if layer["padding"] == "same" else 0)
    module.weight.data = torch.from_numpy(np.ascontiguousarray(w.transpose(3, 2, 0, 1)))
    module.bias.data = torch.from_numpy(b)
    return module


def batch_normalization(_, weights):
    """With Keras' defaults."""
    module = nn.BatchNorm2d(len(weights[0]), eps=1e-3, momentum=0.01)
    module.weight.data, module.bias.data, module.running_mean, module.running_var = map(torch.from_numpy, weights)
    return module


def recurrent(kind, order):
    """`order`: the gates as Keras has them, in PyTorch's order. Its LSTM has two biases, of which one is enough."""

    def make(layer, weights):
        kernel, states, bias = weights
        module = kind(kernel.shape[0], layer["units"], batch_first=True)
        gates = lambda w: torch.from_numpy(np.concatenate([np.split(w, len(order), -1)[i] for i in order], -1).T.copy())
        first, second = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
        module.weight_ih_l0.data, module.weight_hh_l0.data = gates(kernel), gates(states)
        module.bias_ih_l0.data, module.bias_hh_l0.data = gates(first), gates(second)
        return Last(module)

    return make


def attention(layer, weights):
    *heads, w, b = weights
    features = w.shape[-1]
    module = nn.MultiheadAttention(features, layer["numHeads"], batch_first=True)
    module.in_proj_weight.data = torch.from_numpy(np.concatenate([k.reshape(features, -1).T for k in heads[::2]]))
    module.in_proj_bias.data = torch.from_numpy(np.concatenate([k.ravel() for k in heads[1::2]]))
    module.out_proj.weight.data = torch.from_numpy(np.ascontiguousarray(w.reshape(-1, features).T))
    module.out_proj.bias.data = torch.from_numpy(b)
    return SelfAttention(module, layer["causal"], layer["steps"])


def layer_normalization(_, weights):
    """With Keras' default."""
    module = nn.LayerNorm(len(weights[0]), eps=1e-3)
    module.weight.data, module.bias.data = map(torch.from_numpy, weights)
    return module


MODULES = {
    "multiHeadAttention": attention,
    "layerNormalization": layer_normalization,
    "globalAveragePooling1d": lambda *_: Mean(1),
    "lstm": recurrent(nn.LSTM, [0, 1, 2, 3]),
    "gru": recurrent(nn.GRU, [1, 0, 2]),
    "dense": dense,
    "conv2d": conv2d,
    "batchNormalization": batch_normalization,
    "embedding": lambda _, weights: nn.Embedding.from_pretrained(torch.from_numpy(weights[0]), freeze=False),
    "maxPooling2d": lambda layer, _: nn.MaxPool2d(layer["poolSize"]),
    "globalAveragePooling2d": lambda *_: Mean((2, 3)),
    "flatten": lambda *_: nn.Flatten(),
    "add": lambda *_: Add(),
    "concatenate": lambda *_: Concatenate(),
    "activation": lambda *_: None,
}


def focal(z, y):
    entropy = cross_entropy(z, y, reduction="none")
    return ((1 - torch.exp(-entropy)).square() * entropy).mean()


def loss_of(case):
    return focal if case.loss == "focal" else nn.CrossEntropyLoss()
