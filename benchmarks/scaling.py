"""Steps a second of SDTP on 1 and 2 devices of one process, and on 2 processes.

    python -m benchmarks.scaling [--steps=100]

The global batch is the same throughout. Devices are parts of this machine's processor and compete
for it, as do the processes: on a small machine expect no gain, and read off what sharing costs.
"""

import argparse
import json
import multiprocessing
import os
import socket
import time

import tensorflow as tf

from tp_keras import architectures, learners, objectives, optimizers
from tp_keras.data.base import slice_of
from tp_keras.distribution import strategy as strategies
from tp_keras.distribution.input import distribute_dataset

BATCH, WARM_UP = 128, 5
LAYOUTS = (  # name, devices, processes
    ("1 process, 1 device", 1, 1),
    ("1 process, 2 devices", 2, 1),
    ("2 processes, 1 device each", 1, 2),
)


def train(steps: int, devices: int, environment: dict, seconds) -> None:
    """Trains MNIST's fully connected network on random images; writes the seconds to `seconds`."""
    os.environ |= environment
    strategy = strategies.create("auto", devices)
    with strategy.scope():
        network = architectures.build((28, 28, 1), classes=10, dense=[256] * 5)
        learner = learners.SDTP(network, objectives.SoftmaxCrossEntropy(), noise_stddev=0.1)
        learner.compile(optimizers.Adam(1e-4), optimizers.Adam(1e-4))

    def batches(shard):
        images, labels = tf.random.normal((BATCH, 28, 28, 1)), tf.one_hot(tf.range(BATCH) % 10, 10)
        mine = slice_of(images, *shard), slice_of(labels, *shard)
        return tf.data.Dataset.from_tensors(mine).repeat()

    iterator = iter(distribute_dataset(strategy, batches))
    step = learner.make_train_function()
    for i in range(WARM_UP + steps):
        if i == WARM_UP:
            started = time.perf_counter()
        step(iterator)["loss"].numpy()  # waits for it
    seconds.value = time.perf_counter() - started


def measure(steps: int, devices: int, workers: int) -> float:
    """Steps a second, each worker in a new process."""
    context, seconds, processes = multiprocessing.get_context("spawn"), [], []
    for environment in cluster(workers):
        seconds.append(context.Value("d"))
        arguments = steps, devices, environment, seconds[-1]
        processes.append(context.Process(target=train, args=arguments))
        processes[-1].start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("a process failed; what it printed stands above")
    return steps / max(value.value for value in seconds)


def cluster(workers: int) -> list[dict]:
    """The environment of each worker."""
    if workers == 1:
        return [{}]
    sockets = [socket.create_server(("localhost", 0)) for _ in range(workers)]
    addresses = [f"localhost:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    tasks = [{"type": "worker", "index": index} for index in range(workers)]
    configs = [{"cluster": {"worker": addresses}, "task": task} for task in tasks]
    return [{"TF_CONFIG": json.dumps(config)} for config in configs]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100, help="steps to time")
    options = parser.parse_args()
    print(f"SDTP, MNIST FC 5x256, batch {BATCH}, {os.cpu_count()} cores, load {os.getloadavg()[0]}")
    for name, devices, workers in LAYOUTS:
        print(f"{name}: {measure(options.steps, devices, workers):.1f} steps/s", flush=True)


if __name__ == "__main__":
    main()
