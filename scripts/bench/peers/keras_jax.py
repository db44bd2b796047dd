"""Keras on JAX: `fit`, a jitted call a step, whose callbacks it makes once an epoch."""
import os

import xla_threads  # noqa: F401 sets the environment that JAX reads

os.environ["KERAS_BACKEND"] = "jax"
import jax
import keras
import numpy as np
from keras_network import opener
from protocol import serve


def about():
    return {"name": f"Keras {keras.__version__}, JAX {jax.__version__}", "kernel": "XLA, Eigen, oneDNN"}


class Prediction:
    def __init__(self, model, rows):
        state = [[v.value for v in variables] for variables in (model.trainable_variables, model.non_trainable_variables)]
        predict = jax.jit(lambda state, x: jax.nn.softmax(model.stateless_call(*state, x, training=False)[0]))
        rows = jax.numpy.asarray(rows)
        self.call = lambda: np.asarray(predict(state, rows))
        self.losses = self.call()[0]


open_network = opener({"XLA": {"jit_compile": True}}, Prediction)


def open_case(case):
    jax.config.update("jax_enable_x64", case.dtype == "float64")
    return open_network(case)


if __name__ == "__main__":
    serve(about, open_case)
