"""What a training step costs in this checkout, as a multiple of what it costs in another one.

    git worktree add --detach ../other REVISION
    python -m benchmarks.against ../other

Each checkout steps in a process of its own; the two take turns.
"""

import argparse
import os
import pathlib
import resource
import subprocess
import sys
import time

import keras
import tensorflow as tf

from benchmarks import table3, timing  # those of the checkout in whose process this runs

HERE, HUGE_PAGES = pathlib.Path(__file__).resolve(), "glibc.malloc.hugetlb=1"
# This file, where an older checkout has none, on the modules of that checkout
RUN = f"import benchmarks, runpy; runpy.run_path({str(HERE)!r}, run_name='__main__')"


def command_line():
    parser = timing.parser(__doc__.splitlines()[0])
    parser.add_argument("other", help="folder of the other checkout")
    parser.add_argument("--rule", default="SDTP:linear")
    parser.add_argument("--problem", default="cifar10_lc", help="a file of gin/problems")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=3, help="steps in one turn")
    parser.add_argument("--dtype", default="float32", help="dtype policy here; float32 there")
    parser.add_argument("--huge-pages", action="store_true", help="in the process of this checkout")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser


def serve(options):
    """Takes `options.steps` steps for every line read, and writes seconds and peak memory."""
    keras.config.set_dtype_policy(options.dtype)
    learner = table3.learner(options.rule, options.problem)
    batch = table3.batch(options.problem, options.batch)
    step, clock = tf.function(lambda: learner.train_step(batch)["loss"]), timing.CLOCKS
    step().numpy()
    for _ in sys.stdin:
        before = clock[options.clock]()
        for _ in range(options.steps):
            step().numpy()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print("turn", clock[options.clock]() - before, peak, flush=True)


class Checkout:
    """A process that steps in one checkout."""

    def __init__(self, folder, dtype, huge_pages):
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        if huge_pages:
            environment["GLIBC_TUNABLES"] = HUGE_PAGES
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", RUN, *sys.argv[1:], "--serve", f"--dtype={dtype}"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def turn(self):
        """Takes a turn; returns its seconds and the peak memory so far in GiB."""
        self.process.stdin.write("turn\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("turn "):
                return tuple(float(word) for word in line.split()[1:])
        raise SystemExit(f"the process in {self.process.args} ended")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def turns(options):
    """Seconds by checkout, turn by turn, and the peak memory of each."""
    other = pathlib.Path(options.other).resolve()
    checkouts = {
        "here": Checkout(HERE.parents[1], options.dtype, options.huge_pages),
        "other": Checkout(other, "float32", False),
    }
    seconds, peak = {name: [] for name in checkouts}, {}
    for checkout in checkouts.values():
        checkout.turn()  # warms up
    started = time.perf_counter()
    while time.perf_counter() - started < options.seconds or len(seconds["here"]) < 5:
        for name, checkout in checkouts.items():
            turn, peak[name] = checkout.turn()
            seconds[name].append(turn)
    for checkout in checkouts.values():
        checkout.close()
    return timing.Times(seconds), peak


def main():
    parser = command_line()
    if parser.parse_known_args()[0].serve:
        return serve(timing.arguments(parser))
    options = parser.parse_args()
    times, peak = turns(options)
    kind = options.dtype + (", huge pages" if options.huge_pages else "")
    for name in times.rounds:
        milliseconds = times.median(name) / options.steps * 1e3
        print(f"{name:5} {milliseconds:8.2f} ms a step, peak memory {peak[name]:.2f} GiB")
    busy = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(
        f"{options.problem} {options.batch} {options.rule} ({kind}): here / other "
        f"{times.ratio('here', 'other'):.3f} (median of {len(times.rounds['here'])} turns; "
        f"load {busy})"
    )


if __name__ == "__main__":
    main()
