"""Workers as processes, from their start to their exit status."""

import json
import os
import signal
import time

import pytest
from processes import cluster, finish, read_batches, start, text

pytestmark = pytest.mark.slow


def environments(size, chief=False):
    return [
        {"TF_CONFIG": config, "SUFFIX": str(i)} for i, config in enumerate(cluster(size, chief))
    ]


def test_chief_and_workers_train_and_the_chief_alone_writes(tmp_path):
    run = tmp_path / "run"
    flags = ("--epochs=1", "--gin_bindings=data.load.batch_size = 9")
    workers = [start(run, *flags, environment=e) for e in environments(3, chief=True)]
    assert [finish(worker, 240) for worker in workers] == [0, 0, 0]
    assert "epoch 1/1" in text(run, "0.out")
    assert (text(run, "1.out"), text(run, "2.out")) == ("", "")
    assert (run / "result.json").exists() and not list(run.glob(".partial.*"))


def test_no_two_processes_read_the_same_example(tmp_path):
    processes = [
        read_batches(tmp_path / str(i), config) for i, config in enumerate(cluster(2, chief=True))
    ]
    assert [finish(process) for process in processes] == [0, 0]
    one, other = (json.loads(text(tmp_path / str(i), ".out")) for i in range(2))
    for mine, theirs in zip(one, other, strict=True):
        assert len(mine) == len(theirs) == 6 and not set(mine) & set(theirs)
    assert len({n for batch in one + other for n in batch}) == 48


def test_workers_that_were_started_differently_end_with_2_before_anything_is_written(tmp_path):
    run = tmp_path / "run"
    workers = [
        start(run, f"--seed={i}", "--epochs=1", environment=e)
        for i, e in enumerate(environments(2))
    ]
    assert [finish(worker) for worker in workers] == [2, 2]
    for i in range(2):
        line = text(run, f"{i}.err")
        assert line.count("\n") == 1 and "seed is" in line and "worker 1" in line
    assert not run.exists()


def test_a_run_dir_that_is_not_shared_ends_all_with_2(tmp_path):
    runs = [tmp_path / "one", tmp_path / "other"]
    workers = [
        start(run, "--epochs=1", environment=e)
        for run, e in zip(runs, environments(2), strict=True)
    ]
    assert [finish(worker) for worker in workers] == [2, 2]
    for i, run in enumerate(runs):
        line = text(run, f"{i}.err")
        assert line.count("\n") == 1 and "a folder that all workers share: number 1" in line
    assert not (runs[0] / "checkpoints").exists() and not runs[1].exists()


def test_a_run_dir_that_the_chief_cannot_use_ends_all_with_2(tmp_path):
    run = tmp_path / "run"
    run.write_text("a file")
    workers = [start(run, "--epochs=1", environment=e) for e in environments(2)]
    assert [finish(worker) for worker in workers] == [2, 2]
    assert "cannot be written" in text(run, "0.err")
    assert "the chief cannot use --run_dir" in text(run, "1.err")


def waiting(run, *flags):
    """A worker whose chief does not come."""
    return start(run, *flags, environment=environments(2, chief=True)[1])


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_waiting_worker(tmp_path, number, status):
    run = tmp_path / "run"
    process = waiting(run)
    out, until = tmp_path / "run1.out", time.monotonic() + 120
    while time.monotonic() < until and not (
        out.exists() and "waiting for chief 0" in out.read_text()
    ):
        time.sleep(0.2)
    started = time.monotonic()
    os.kill(process.pid, number)
    assert finish(process) == status
    assert time.monotonic() - started < 10
    assert text(run, "1.err").count("\n") == 1 and not run.exists()


def test_a_missing_worker_ends_the_others_with_5(tmp_path):
    run = tmp_path / "run"
    assert finish(waiting(run, "--gin_bindings=train.wait_minutes = 0.05")) == 5
    line = text(run, "1.err")
    assert line.count("\n") == 1 and "waited 0.05 minutes for chief 0 at localhost:" in line
