"""Keras on TensorFlow: `fit` with a whole epoch in one execution, with XLA or without, whichever is faster here."""
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import tensorflow as tf
from keras_network import opener
from protocol import THREADS, serve

tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(THREADS)

WAYS = {"without XLA": {"jit_compile": False}, "XLA": {"jit_compile": True}}


def about():
    return {"name": f"Keras {keras.__version__}, TensorFlow {tf.__version__}", "kernel": "Eigen, oneDNN, XLA"}


class Prediction:
    def __init__(self, model, rows):
        rows = tf.constant(rows)
        compiled = tf.function(lambda x: tf.nn.softmax(model(x, training=False)))
        self.call = lambda: compiled(rows).numpy()
        self.losses = self.call()[0]


if __name__ == "__main__":
    serve(about, opener(WAYS, Prediction))
