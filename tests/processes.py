"""Training in processes of their own, which may be killed; TensorFlow is imported once for all."""

import contextlib
import importlib
import json
import multiprocessing
import os
import pathlib
import resource
import signal
import socket
import sys
import time
from unittest import mock

from fakes import fake_images

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["processes", "tp_keras.train"])
LEAF = {
    "parallel": "gin/mnist_fc_sdtp_parallel.gin",
    "alternating": "gin/mnist_fc_sdtp_alternating.gin",
}
SMALL = ("build.dense = [9, 8]", "data.load.batch_size = 8", "train.checkpoint_steps = 5")


def start(run_dir, *arguments, schedule="parallel", environment=None):
    """Starts a small training run on fake data: 24 steps an epoch; output goes beside `run_dir`."""
    flags = [f"--gin_file={LEAF[schedule]}", f"--run_dir={run_dir}"]
    flags += [f"--gin_bindings={binding}" for binding in SMALL] + [*arguments]
    process = FORKS.Process(target=_main, args=(str(run_dir), flags, environment or {}))
    process.start()
    return process


def _main(run_dir, flags, environment):
    os.environ.update(environment)
    if "FILE_SIZE" in environment:  # in bytes: beyond it writing fails as on a full disk
        limit = int(environment["FILE_SIZE"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    write_to(run_dir + environment.get("SUFFIX", ""))
    from absl import app

    from tp_keras import train

    with fake_images(), _stopping_in(environment.get("STOP_IN")):
        app.run(train.main, ["train", *flags], flags_parser=train.parse_flags)


def _stopping_in(place):
    """A patch by which this process gets Ctrl-C as it reads data, or in its final save."""
    if place is None:
        return contextlib.nullcontext()
    owner, name = {
        "data": ("tp_keras.data", "load"),
        "final save": ("tp_keras.network.Network", "save"),
    }[place]

    def stop(*arguments, **named):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)

    return mock.patch(f"{owner}.{name}", stop)


def write_to(path):
    """Has this process write its outputs to files."""
    for number, name in [(1, ".out"), (2, ".err")]:
        with open(path + name, "w") as file:
            os.dup2(file.fileno(), number)


def benchmark(path, name, arguments, constants):
    """Starts a benchmark on fake data, with some of its constants changed."""
    process = FORKS.Process(target=_benchmark, args=(str(path), name, arguments, constants))
    process.start()
    return process


def _benchmark(path, name, arguments, constants):
    write_to(path)
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # for processes that it starts
    module, sys.argv = importlib.import_module(f"benchmarks.{name}"), [name, *arguments]
    for constant, value in constants.items():
        setattr(module, constant, value)
    with fake_images():
        module.main()


def read_batches(path, config):
    """Starts a worker that writes the examples that it reads of four batches of 12, as JSON."""
    process = FORKS.Process(target=_read_batches, args=(str(path), config))
    process.start()
    return process


def _read_batches(path, config):
    os.environ["TF_CONFIG"] = config
    write_to(path)
    import numpy as np

    from tp_keras import data
    from tp_keras.distribution import strategy as strategies
    from tp_keras.distribution.input import distribute_dataset

    strategy = strategies.create("multi_worker", say=lambda line: None)
    numbers = np.arange(49, dtype=np.uint8)
    dataset = data.from_arrays((numbers[:, None], numbers % 5), (numbers[:, None], numbers % 5), 12)
    batches = iter(distribute_dataset(strategy, dataset.training_batches))
    read = [strategy.experimental_local_results(next(batches)[0])[0] for _ in range(4)]
    print(json.dumps([np.rint(images.numpy().ravel() * 255).tolist() for images in read]))


def finish(process, seconds=120):
    """Waits for a process; its exit status."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        raise AssertionError(f"still running after {seconds} seconds")
    return process.exitcode


def free_addresses(number):
    """So many addresses of this machine with ports that nobody listens at."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(number)]
    addresses = [f"localhost:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    return addresses


def cluster(size, chief=False):
    """`TF_CONFIG` for each of so many workers on this machine, the first a chief if asked."""
    addresses = free_addresses(size)
    jobs = {"chief": addresses[:1], "worker": addresses[1:]} if chief else {"worker": addresses}
    tasks = [{"type": job, "index": i} for job, those in jobs.items() for i in range(len(those))]
    return [json.dumps({"cluster": jobs, "task": task}) for task in tasks]


def text(run_dir, kind):
    """What a process wrote to ".out" or ".err"."""
    return pathlib.Path(f"{run_dir}{kind}").read_text()
