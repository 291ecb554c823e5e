"""What DFA's feedback costs on the ImageNet LC network by how it is stored.

python -m benchmarks.feedback_storage --batch=32 --steps=3

Every storage runs in a process of its own. Prints a row of Markdown for each: the process' peak
memory, and the processor time of a training step as a ratio to float32's.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import gin
import numpy as np
import tensorflow as tf

from tp_keras import feedback
from tp_keras.experiment import cli
from tp_keras.train import configure


def measure(storage: str, image_size: int, batch: int, steps: int) -> dict:
    """Peak memory of this process in GB, and the median processor seconds of a step."""
    configure(["gin/imagenet_dfa.gin"], [f"DFA.feedback_storage = '{storage}'"])
    settings = gin.get_bindings(cli.train)
    network = settings["network"](input_shape=(image_size, image_size, 3), classes=1000)
    learner = settings["learner"](network=network, objective=settings["objective"]())
    learner.compile(optimizer=settings["optimizer"]())
    step, seconds = tf.function(learner.train_step), []
    x = tf.random.uniform((batch, image_size, image_size, 3))
    y = tf.one_hot(np.arange(batch) % 1000, 1000)
    for _ in range(1 + steps):  # the first one traces
        started = time.process_time()
        step((x, y))["loss"].numpy()
        seconds.append(time.process_time() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"storage": storage, "peak": peak, "seconds": statistics.median(seconds[1:])}


def in_process(storage: str, options: argparse.Namespace) -> dict:
    """Measures in a new process, whose peak is that storage's alone."""
    command = [sys.executable, "-m", "benchmarks.feedback_storage", f"--storage={storage}"]
    command += [f"--{name}={getattr(options, name)}" for name in ("image_size", "batch", "steps")]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image_size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--storage", choices=feedback.STORAGES, help="measure this one alone")
    options = parser.parse_args()
    if options.storage:
        found = measure(options.storage, options.image_size, options.batch, options.steps)
        print(json.dumps(found))
        return
    print("| storage | peak GB | step seconds | ratio |\n|---|---|---|---|")
    found = [in_process(storage, options) for storage in feedback.STORAGES]
    for row in found:
        ratio = row["seconds"] / found[0]["seconds"]
        print(f"| {row['storage']} | {row['peak']:.2f} | {row['seconds']:.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
