"""Training in processes of their own, which may be killed; TensorFlow is imported once for all."""

import json
import multiprocessing
import os
import pathlib
import resource
import socket

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
    flags = [f"--gin_file={LEAF[schedule]}", f"--run_dir={run_dir}", *arguments]
    flags += [f"--gin_bindings={binding}" for binding in SMALL]
    process = FORKS.Process(target=_main, args=(str(run_dir), flags, environment or {}))
    process.start()
    return process


def _main(run_dir, flags, environment):
    os.environ.update(environment)
    if "FILE_SIZE" in environment:  # in bytes: beyond it writing fails as on a full disk
        limit = int(environment["FILE_SIZE"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    for number, name in [(1, ".out"), (2, ".err")]:
        with open(run_dir + environment.get("SUFFIX", "") + name, "w") as file:
            os.dup2(file.fileno(), number)
    from absl import app

    from tp_keras import train

    with fake_images():
        app.run(train.main, ["train", *flags], flags_parser=train.parse_flags)


def finish(process):
    """Waits for a process; its exit status."""
    process.join(120)
    assert process.exitcode is not None, "still running after two minutes"
    return process.exitcode


def cluster(size):
    """`TF_CONFIG` for each of so many workers on this machine."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(size)]
    addresses = [f"localhost:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    return [
        json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})
        for index in range(size)
    ]


def text(run_dir, kind):
    """What a process wrote to ".out" or ".err"."""
    return pathlib.Path(f"{run_dir}{kind}").read_text()
