"""scikit-learn's MLPClassifier: solver 'sgd' without momentum is the plain gradient descent of the other peers."""
import warnings

import joblib
import numpy as np
import sklearn
from protocol import THREADS, Skip, openblas, serve
from sklearn.cluster import KMeans
from sklearn.neural_network import BernoulliRBM, MLPClassifier

warnings.filterwarnings("ignore")
np.seterr(all="ignore")


def about():
    return {"name": f"scikit-learn {sklearn.__version__}", "kernel": openblas()}


class Network:
    def __init__(self, case):
        if not case.is_plain:
            raise Skip("scikit-learn has no graph of layers and no loss of one's own")
        if any(layer["kind"] != "dense" for layer in case.layers):
            raise Skip("scikit-learn has no convolution")
        self.case = case
        self.x, self.y = case.array("x"), case.array("y")
        self.losses = []
        if "batches" in case["arrays"]:
            model = self.model(1)
            self.losses = [np.mean([self.one(model, rows) for rows in group]) for group in case.array("batches")]

    def model(self, epochs):
        hidden = self.case.layers[:-1]
        kind = {"sigmoid": "logistic", "relu": "relu"}[hidden[0]["activation"]]
        model = MLPClassifier([layer["units"] for layer in hidden], activation=kind, solver="sgd", alpha=0, momentum=0,
                              nesterovs_momentum=False, learning_rate_init=self.case.learningRate, max_iter=epochs, tol=0,
                              batch_size=self.case.batchSize, n_iter_no_change=epochs + 1, random_state=0)
        model._bench_new = True
        return model

    def one(self, model, rows):
        if model._bench_new:  # partial_fit builds the network; then it is given the weights of the case
            model.partial_fit(self.x[rows], self.y[rows], classes=np.arange(10))
            weights = self.case.weights()
            model.coefs_, model.intercepts_ = weights[0::2], weights[1::2]
            model._bench_new = False
        model.partial_fit(self.x[rows], self.y[rows])
        return model.loss_

    def run(self, epochs):
        self.model(epochs).fit(self.x, self.y)
        return epochs * (len(self.x) // self.case.batchSize)


class Prediction(Network):
    def __init__(self, case):
        super().__init__(case)
        self.net = self.model(1)
        self.one(self.net, np.arange(100))
        weights = case.weights()
        self.net.coefs_, self.net.intercepts_ = weights[0::2], weights[1::2]
        self.rows = self.x[: case.rows]
        self.losses = self.call()[0]

    def call(self):
        return self.net.predict_proba(self.rows)


class Fit:
    def __init__(self, case):
        self.case = case
        self.x, self.y = case.array("x"), case.array("y")
        self.losses = self.fit().loss_curve_

    def fit(self):
        c = self.case
        return MLPClassifier([c.units], activation=c.activation, solver=c.solver, alpha=c.alpha, batch_size=c.batchSize,
                             learning_rate_init=c.learningRate, max_iter=c.epochs, random_state=c.seed).fit(self.x, self.y)

    def run(self, repetitions):
        for _ in range(repetitions):
            self.fit()
        return repetitions


class Machine:
    def __init__(self, case):
        self.case = case
        self.x = case.array("x")
        self.losses = self.fit()._free_energy(self.x)[:10]

    def fit(self):
        c = self.case
        return BernoulliRBM(c.units, batch_size=c.batchSize, n_iter=c.epochs, random_state=c.seed).fit(self.x)

    def run(self, repetitions):
        for _ in range(repetitions):
            self.fit()
        return repetitions


class Clusters(Machine):
    def __init__(self, case):
        self.case = case
        self.x = case.array("x")
        fitted = self.fit()
        self.losses = [fitted.inertia_, fitted.n_iter_]

    def fit(self):
        return KMeans(self.case.clusters, random_state=self.case.seed).fit(self.x)


def grid_points(case):
    values = np.logspace(-5, 1, case.points)
    return [(eta, lmbd) for eta in values for lmbd in values]


def grid_score(x, y, options):
    """A function of plain values, for joblib's processes."""
    warnings.filterwarnings("ignore")
    np.seterr(all="ignore")
    try:
        return MLPClassifier(**options).fit(x, y).score(x, y)
    except ValueError:  # a diverging network is refused at the end of its training
        return np.nan


class Grid:
    """The lecture's networks through MLPClassifier; its shuffles are its own, so that the scores are not the lecture's."""

    losses = None

    def __init__(self, case):
        self.case = case
        self.x, self.y = case.array("x"), case.array("y")

    def run(self, repetitions):
        """Through joblib, as scikit-learn's own grid search."""
        for _ in range(repetitions):
            jobs = [joblib.delayed(grid_score)(self.x, self.y, self.options(eta, lmbd, self.case.epochs))
                    for eta, lmbd in grid_points(self.case)]
            if THREADS > 1:
                with joblib.parallel_config("loky", n_jobs=THREADS, inner_max_num_threads=1):
                    joblib.Parallel()(jobs)
            else:
                joblib.Parallel(n_jobs=1)(jobs)
        return repetitions

    def options(self, eta, lmbd, epochs):
        c = self.case
        return {"hidden_layer_sizes": [c.hidden], "activation": "logistic", "solver": "sgd", "momentum": 0,
                "alpha": lmbd, "learning_rate_init": eta * c.batchSize, "batch_size": c.batchSize, "max_iter": epochs,
                "n_iter_no_change": epochs + 1, "tol": 0, "random_state": c.seed}


class OwnGrid(Grid):
    """The lecture's grid of scikit-learn's networks: Adam, batches of 200, until the loss no longer falls."""

    def __init__(self, case):
        super().__init__(case)
        self.losses = [MLPClassifier(**self.options(eta, lmbd, 1)).fit(self.x, self.y).loss_curve_[0]
                       for eta, lmbd in grid_points(case)]

    def options(self, eta, lmbd, epochs):
        c = self.case
        return {"hidden_layer_sizes": [c.hidden], "activation": "logistic", "alpha": lmbd, "learning_rate_init": eta,
                "max_iter": epochs, "random_state": c.seed}


def open_case(case):
    kinds = {"train": Network, "start": Network, "memory": Network, "predict": Prediction, "mlp": Fit, "grid": Grid,
             "mlpGrid": OwnGrid, "rbm": Machine, "kmeans": Clusters}
    if case.kind not in kinds:
        raise Skip("not a thing scikit-learn does")
    return kinds[case.kind](case)


if __name__ == "__main__":
    serve(about, open_case)
