"""A case's network in Keras, on whichever backend is chosen before this is imported."""
import time

import keras
import numpy as np
from protocol import Skip

LAYERS = {
    "dense": lambda o, activation: keras.layers.Dense(o["units"], activation=activation),
    "conv2d": lambda o, activation: keras.layers.Conv2D(o["filters"], o["kernelSize"], padding=o["padding"],
                                                        activation=activation),
    "maxPooling2d": lambda o, _: keras.layers.MaxPooling2D(o["poolSize"]),
    "globalAveragePooling2d": lambda o, _: keras.layers.GlobalAveragePooling2D(),
    "globalAveragePooling1d": lambda o, _: keras.layers.GlobalAveragePooling1D(),
    "layerNormalization": lambda o, _: keras.layers.LayerNormalization(),
    "multiHeadAttention": lambda o, _: keras.layers.MultiHeadAttention(o["numHeads"], o["keyDim"]),
    "batchNormalization": lambda o, _: keras.layers.BatchNormalization(),
    "activation": lambda o, activation: keras.layers.Activation(activation),
    "flatten": lambda o, _: keras.layers.Flatten(),
    "embedding": lambda o, _: keras.layers.Embedding(o["inputDim"], o["outputDim"]),
    "lstm": lambda o, _: keras.layers.LSTM(o["units"]),
    "gru": lambda o, _: keras.layers.GRU(o["units"]),
    "add": lambda o, _: keras.layers.Add(),
    "concatenate": lambda o, _: keras.layers.Concatenate(),
}


def focal(y, z):
    entropy = keras.losses.sparse_categorical_crossentropy(y, z, from_logits=True)
    return keras.ops.square(1 - keras.ops.exp(-entropy)) * entropy


def build(case, **how):
    """`how` to compile it. The softmax is part of the loss, as Keras advises."""
    keras.config.set_floatx(case.dtype)
    keras.config.set_dtype_policy(case.dtype)  # else that of the first model stays
    inputs = [keras.Input(about["shape"], dtype="int32" if "below" in about else None) for about in case.inputs]
    values, layers = list(inputs), []
    for i, (layer, about) in enumerate(zip(case.layers, case.network)):
        activation = None if i == len(case.layers) - 1 else layer.get("activation")
        layers.append(LAYERS[layer["kind"]](layer, activation))
        read = [values[k] for k in about["sources"]]
        if layer["kind"] == "multiHeadAttention":
            values.append(layers[-1](read[0], read[0], use_causal_mask=layer["causal"]))
        else:
            values.append(layers[-1](read if len(read) > 1 else read[0]))
    model = keras.Model(inputs if len(inputs) > 1 else inputs[0], values[-1])
    loss = focal if case.loss == "focal" else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(case.learningRate), loss=loss,
                  steps_per_execution=(case.samples or 1) // (case.batchSize or 1), **how)
    for layer, weights in zip(layers, case.layer_weights()):
        layer.set_weights(weights)
    return model


class Network:
    """`ways` to compile: { choice: options }. Of several the faster is taken; the first computes the losses."""

    def __init__(self, case, ways):
        self.case = case
        self.inputs, self.y = [case.array(about["name"]) for about in case.inputs], case.array("y")
        self.losses = []
        first = next(iter(ways.values()))
        if "batches" in case["arrays"]:
            model = build(case, **first)
            self.losses = [np.mean([self.one(model, rows) for rows in group]) for group in case.array("batches")]
        self.model = build(case, **first)
        if case.kind == "train":
            self.choose(ways)

    def choose(self, ways):
        """A small batch each shows which is no match, as XLA is not for convolutions on a processor."""
        models = {name: build(self.case, **how) for name, how in ways.items()}
        batches = {name: self.batch_time(model) for name, model in models.items()}
        times = {}
        for name, self.model in models.items():
            if batches[name] > 2 * min(batches.values()):
                continue
            self.run(1)
            start = time.perf_counter()
            self.run(2)
            times[name] = time.perf_counter() - start
        fastest = min(times, key=times.get)
        self.choice, self.model = fastest if len(ways) > 1 else None, models[fastest]

    def batch_time(self, model):
        rows = np.arange(min(16, self.case.batchSize))
        self.one(model, rows)
        start = time.perf_counter()
        self.one(model, rows)
        return time.perf_counter() - start

    def one(self, model, rows):
        model.reset_metrics()
        return model.train_on_batch(self.of([x[rows] for x in self.inputs]), self.y[rows])

    def of(self, inputs):
        return inputs if len(inputs) > 1 else inputs[0]

    def run(self, epochs):
        self.model.fit(self.of(self.inputs), self.y, batch_size=self.case.batchSize, epochs=epochs, verbose=0)
        return epochs * (len(self.y) // self.case.batchSize)


def opener(ways, prediction):
    """The peer's `open_case`; `prediction` is made of a case's model and rows."""

    def open_case(case):
        if case.kind in ("train", "start", "memory"):
            return Network(case, ways)
        if case.kind == "predict":
            return prediction(build(case, **next(iter(ways.values()))), case.array("x")[: case.rows])
        raise Skip("Keras has no such class" if case.kind.startswith("mlp") else "not a thing Keras does")

    return open_case
