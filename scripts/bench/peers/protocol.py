"""What every Python peer shares: reading a case, timing, JSON lines over stdin and stdout.

A peer is a module with NAME, `about()` and `open_case(case)`; that returns an object with `losses` (or `outputs`) to compare
with everybody else's, and `run(n)`, which does the work n times and returns how many units that was. One that has several ways
to do it names them in `modes`, is called `run(n, mode)`, or `calls[mode]()` for single calls, and has the losses of each in
`losses_of`. See session.js.
"""
import ctypes
import json
import math
import os
import resource
import sys
import time

THREADS = int(os.environ["BENCH_THREADS"])


class Skip(Exception):
    """This peer does not do this workload; the message says why."""


class Case(dict):
    def __init__(self, folder):
        with open(os.path.join(folder, "case.json")) as f:
            super().__init__(json.load(f))
        self.folder = folder

    def __getattr__(self, name):
        return self.get(name)

    def array(self, name):
        import numpy as np

        about = self["arrays"][name]
        return np.fromfile(os.path.join(self.folder, name), dtype=about["dtype"]).reshape(about["shape"])

    def layer_weights(self):
        """Of each layer its own."""
        weights = iter(self.weights())
        return [[next(weights) for _ in range(layer["weights"])] for layer in self.network]

    @property
    def is_plain(self):
        """One layer after another, and softmax with cross-entropy."""
        return not self.loss and all("from" not in layer for layer in self.layers)

    def weights(self):
        return [self.array(f"w{i}") for i in range(sum(name[0] == "w" for name in self["arrays"]))]


def openblas():
    """Version, build and kernel set of the OpenBLAS in this process, in its own words."""
    with open("/proc/self/maps") as f:
        paths = {line.split()[-1] for line in f if "blas" in line and ".so" in line}
    for path in sorted(paths):
        library = ctypes.CDLL(path)
        for prefix, suffix in (("", ""), ("", "64_"), ("scipy_", ""), ("scipy_", "64_")):
            name = getattr(library, f"{prefix}openblas_get_config{suffix}", None)
            core = getattr(library, f"{prefix}openblas_get_corename{suffix}", None)
            if name and core:
                name.restype = core.restype = ctypes.c_char_p
                return f"{' '.join(name().decode().split()[:2])}, {core().decode()}"
    return "no OpenBLAS"


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def latencies(call, seconds, least=200):
    """Times of single calls."""
    times = []
    until = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < until:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def numbers(losses):
    """For JSON, which has no NaN."""
    return None if losses is None else [float(v) if math.isfinite(v) else None for v in losses]


def serve(about, open_case):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not get in between

    def answer(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    if len(sys.argv) > 1:  # cold start: one epoch, then say so
        open_case(Case(sys.argv[1])).run(1)
        answer({"trained": True})
        return
    answer(about())
    work = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] == "prepare":
                work = None
                work = open_case(Case(request["folder"]))
                losses_of = getattr(work, "losses_of", {})
                answer({"losses": numbers(work.losses), "choice": getattr(work, "choice", None),
                        "modes": getattr(work, "modes", None), "lossesOf": {m: numbers(v) for m, v in losses_of.items()}})
            elif request["op"] == "run":
                mode = [request["mode"]] if "mode" in request else []
                start = time.perf_counter()
                units = work.run(request["count"], *mode)
                answer({"seconds": time.perf_counter() - start, "units": units})
            elif request["op"] == "latencies":
                answer({"times": latencies(work.calls[request["mode"]] if "mode" in request else work.call,
                                                   request["seconds"])})
            elif request["op"] == "memory":
                answer({"bytes": peak_memory()})
        except Skip as reason:
            answer({"skip": str(reason)})
        except Exception as error:  # noqa: BLE001 whatever a peer fails with is told, not hidden
            answer({"error": f"{type(error).__name__}: {error}"})
