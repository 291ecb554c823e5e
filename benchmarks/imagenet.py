"""Time and memory of a step of the ImageNet network, each rule in a process of its own."""

import resource
import subprocess
import sys

import tensorflow as tf

from benchmarks import table3, timing

RULES = ("BP", "SDTP", "BP")


def one_rule(options):
    """Prints the median time of a rule's step and the peak memory of this process."""
    learner = table3.learner(options.rule, options.problem)
    batch = table3.batch(options.problem, options.batch)
    step = tf.function(lambda: learner.train_step(batch)["loss"])
    seconds = timing.interleaved({"step": step}, options).median("step")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{options.problem} {options.batch} {options.rule:5} {seconds:.3f} s a step, ", end="")
    print(f"{learner.count_params() / 1e6:.0f}M weights, peak memory {peak:.2f} GiB", flush=True)


def main():
    parser = timing.parser(__doc__.splitlines()[0])
    parser.add_argument("--problem", default="imagenet_lc", help="a file of gin/problems")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rule", help="the only one; without it BP, SDTP, and BP again")
    options = timing.arguments(parser)
    if options.rule:
        return one_rule(options)
    timing.describe_machine(options)
    for rule in RULES:
        again = [sys.executable, "-m", "benchmarks.imagenet", *sys.argv[1:], f"--rule={rule}"]
        subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
