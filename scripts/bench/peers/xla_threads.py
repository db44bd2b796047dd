"""The threads of XLA, to be imported before JAX.

Its pool has as many threads as the process has processors, or as NPROC says; the flags keep Eigen's products on the thread that
asks for them. The process is not bound to one processor by its affinity: it could not leave one that other work has taken,
as all the other peers can.
"""
import os

from protocol import THREADS

os.environ["JAX_PLATFORMS"] = "cpu"
if THREADS == 1:
    os.environ["NPROC"] = "1"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
