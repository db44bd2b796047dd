"""Keras on TensorFlow: `fit` with a whole epoch in one execution, with XLA or without, whichever is faster here."""
import os
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
from protocol import THREADS, Skip, serve

tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(THREADS)


def about():
    return {"name": f"Keras {keras.__version__}, TensorFlow {tf.__version__}", "kernel": "Eigen, oneDNN, XLA"}


def build(case, jit):
    """The softmax is part of the loss, as Keras advises."""
    keras.config.set_floatx(case.dtype)
    layers = [keras.Input(case.inputShape)]
    for i, layer in enumerate(case.layers):
        activation = None if i == len(case.layers) - 1 else layer.get("activation")
        if layer["kind"] == "dense":
            layers.append(keras.layers.Dense(layer["units"], activation=activation))
        elif layer["kind"] == "conv2d":
            layers.append(keras.layers.Conv2D(layer["filters"], layer["kernelSize"], padding=layer["padding"],
                                              activation=activation))
        elif layer["kind"] == "maxPooling2d":
            layers.append(keras.layers.MaxPooling2D(layer["poolSize"]))
        else:
            layers.append(keras.layers.Flatten())
    model = keras.Sequential(layers)
    model.compile(optimizer=keras.optimizers.SGD(case.learningRate), jit_compile=jit,
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  steps_per_execution=case.samples // case.batchSize)
    model.set_weights(case.weights())
    return model


class Network:
    def __init__(self, case):
        self.case = case
        self.x, self.y = case.array("x"), case.array("y")
        self.losses = []
        if "batches" in case["arrays"]:
            model = build(case, False)
            self.losses = [np.mean([self.one(model, rows) for rows in group]) for group in case.array("batches")]
        self.model = build(case, False)
        if case.kind == "train":
            self.choose()

    def choose(self):
        """The faster of XLA and no XLA; a small batch each shows where XLA is no match, as for convolutions on a processor."""
        self.choice = "without XLA"
        plain, compiled = build(self.case, False), build(self.case, True)
        if self.batch_time(compiled) > 2 * self.batch_time(plain):
            self.run(1)
            return
        times = []
        for model in (plain, compiled):
            self.model = model
            self.run(1)
            start = time.perf_counter()
            self.run(2)
            times.append(time.perf_counter() - start)
        if times[1] < times[0]:
            self.choice = "XLA"
        else:
            self.model = plain

    def batch_time(self, model):
        rows = np.arange(min(16, self.case.batchSize))
        self.one(model, rows)
        start = time.perf_counter()
        self.one(model, rows)
        return time.perf_counter() - start

    def one(self, model, rows):
        model.reset_metrics()
        return model.train_on_batch(self.x[rows], self.y[rows])

    def run(self, epochs):
        self.model.fit(self.x, self.y, batch_size=self.case.batchSize, epochs=epochs, verbose=0)
        return epochs * (len(self.x) // self.case.batchSize)


class Prediction:
    def __init__(self, case):
        model = build(case, False)
        rows = tf.constant(case.array("x")[: case.rows])
        compiled = tf.function(lambda x: tf.nn.softmax(model(x, training=False)))
        self.call = lambda: compiled(rows).numpy()
        self.losses = self.call()[0]


def open_case(case):
    kinds = {"train": Network, "start": Network, "memory": Network, "predict": Prediction}
    if case.kind not in kinds:
        raise Skip("Keras has no such class" if case.kind.startswith("mlp") else "not a thing Keras does")
    return kinds[case.kind](case)


if __name__ == "__main__":
    serve(about, open_case)
