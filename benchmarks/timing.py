"""Timing on a shared machine, and the peak rates of the machine itself."""

import argparse
import statistics
import time
from collections.abc import Callable

import tensorflow as tf

CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}


def parser(description: str) -> argparse.ArgumentParser:
    """The command line that all benchmarks share."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--threads", type=int, default=1, help="threads TensorFlow may use")
    arguments.add_argument("--seconds", type=float, default=10.0, help="time for each comparison")
    arguments.add_argument(
        "--rounds", type=int, default=5, help="least rounds, also where they take longer"
    )
    arguments.add_argument(
        "--clock", choices=CLOCKS, default="cpu", help="cpu: a busy machine does not disturb it"
    )
    return arguments


def arguments(description: str | argparse.ArgumentParser) -> argparse.Namespace:
    """Reads the command line, and sets TensorFlow's threads by it."""
    if isinstance(description, str):
        description = parser(description)
    options = description.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    return options


def interleaved(candidates: dict[str, Callable], options) -> "Times":
    """Runs every candidate in turn, for `options.seconds` and at least `options.rounds` times.

    Args:
      candidates: Functions without arguments, by name. Each returns one small tensor that
        depends on all it computes: TensorFlow leaves out what nobody reads.
      options: The command line, which names clock, seconds and rounds.

    Returns:
      `Times` of all rounds but a first one that warms up.
    """
    for run in candidates.values():
        run().numpy()
    clock = CLOCKS[options.clock]
    rounds, started = {name: [] for name in candidates}, time.perf_counter()
    count = 0
    while time.perf_counter() - started < options.seconds or count < options.rounds:
        count += 1
        for name, run in candidates.items():
            before = clock()
            run().numpy()  # waits for a device
            rounds[name].append(clock() - before)
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


SIDE, NUMBERS = 1536, 32 * 2**20
PRODUCT, ADDITION = 2 * SIDE**3, 3 * 4 * NUMBERS  # operations, bytes


def machine() -> dict[str, Callable]:
    """The measures of the machine: a large matrix product, and an addition in memory."""
    a, b = (tf.random.normal((SIDE, SIDE)) for _ in range(2))
    total, term = tf.Variable(tf.zeros(NUMBERS)), tf.zeros(NUMBERS)
    product = tf.function(lambda: tf.matmul(a, b)[0, 0])

    @tf.function
    def addition():
        total.assign_add(term)
        return total[0]

    return {"product": product, "addition": addition}


def describe_machine(options) -> tuple[float, float]:
    """Prints and returns the machine's peaks, operations and bytes a second of that clock."""
    brief = argparse.Namespace(**{**vars(options), "seconds": min(3.0, options.seconds)})
    times = interleaved(machine(), brief)
    operations = PRODUCT / times.median("product")
    transferred = ADDITION / times.median("addition")
    print(
        f"TensorFlow {tf.__version__}, {options.threads} thread(s), {options.clock} time: "
        f"products {operations / 1e9:.0f} GFLOP/s, memory {transferred / 1e9:.0f} GB/s",
        flush=True,
    )
    return operations, transferred
