"""Timing that survives a shared machine, and what the machine itself can do."""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf


def arguments(description: str) -> argparse.Namespace:
    """Reads the command line that all benchmarks share, and sets TensorFlow's threads by it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=1, help="threads TensorFlow may use")
    parser.add_argument("--seconds", type=float, default=10.0, help="time for each comparison")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    return options


def interleaved(candidates: dict[str, Callable], seconds: float, least: int = 5) -> "Times":
    """Runs every candidate in turn, again and again.

    Args:
      candidates: Functions without arguments, by name, that return tensors.
      seconds: How long to go on.
      least: Rounds to run even if that takes longer.

    Returns:
      `Times` of all rounds but a first one that warms up.
    """
    for run in candidates.values():
        finish(run())
    rounds, started = {name: [] for name in candidates}, time.perf_counter()
    while time.perf_counter() - started < seconds or len(min(rounds.values(), key=len)) < least:
        for name, run in candidates.items():
            before = time.process_time()
            finish(run())
            rounds[name].append(time.process_time() - before)
    return Times(rounds)


class Times:
    """Seconds that each candidate took, round by round."""

    def __init__(self, rounds):
        self.rounds = rounds

    def median(self, name: str) -> float:
        """Median seconds of one candidate."""
        return statistics.median(self.rounds[name])

    def ratio(self, name: str, other: str) -> float:
        """Median over the rounds of one candidate's time over another's."""
        pairs = zip(self.rounds[name], self.rounds[other], strict=True)
        return statistics.median(one / two for one, two in pairs)


def finish(result) -> None:
    """Waits for a device by reading a number of what it computed."""
    leaves = tf.nest.flatten(result)
    if leaves:
        np.asarray(tf.reshape(leaves[-1], (-1,))[:1])


def machine() -> dict[str, Callable]:
    """What the machine is measured by: a large matrix product, and an addition in memory."""
    side, numbers = 1536, 32 * 2**20
    a, b = (tf.random.normal((side, side)) for _ in range(2))
    total, term = tf.Variable(tf.zeros(numbers)), tf.zeros(numbers)
    product = tf.function(lambda: tf.matmul(a, b))

    @tf.function
    def addition():
        total.assign_add(term)
        return total[:1]

    return {"product": product, "addition": addition}


def describe_machine(threads: int, seconds: float = 3.0) -> float:
    """Prints the machine's peaks; returns that of float32 products in operations a second."""
    times = interleaved(machine(), seconds)
    peak = 2 * 1536**3 / min(times.rounds["product"])
    bandwidth = 3 * 4 * 32 * 2**20 / min(times.rounds["addition"])
    print(
        f"{threads} thread(s): products {peak / 1e9:.0f} GFLOP/s, "
        f"memory {bandwidth / 1e9:.1f} GB/s, TensorFlow {tf.__version__}"
    )
    return peak
