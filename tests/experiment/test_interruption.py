"""Runs that are killed, stopped by a signal, or lose a worker: their files, and how they resume."""

import contextlib
import csv
import json
import os
import random
import signal
import time

import h5py
import numpy as np
import pytest
from processes import cluster, finish, start, text

pytestmark = pytest.mark.xdist_group("processes")
# How often each configuration is killed: TP_KERAS_KILLS=10 for ten times
KILLS = int(os.environ.get("TP_KERAS_KILLS", 2))


def outcome(run):
    """Rows and result of a run without its seconds."""
    with open(run / "epochs.csv", newline="") as file:
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    result = json.loads((run / "result.json").read_text())
    del result["seconds"]
    return rows, result


def arrays(path):
    """Every array of a weights file, optimizers included, by name."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def assert_same_run(one, other, atol=0.0):
    assert outcome(one) == outcome(other)
    for name in ("last.weights.h5", "best.weights.h5"):
        expected, received = arrays(one / name), arrays(other / name)
        assert expected.keys() == received.keys()
        for key, array in expected.items():
            np.testing.assert_allclose(received[key], array, rtol=0, atol=atol, err_msg=key)


def newest_checkpoint(run):
    times = []
    for path in run.glob("checkpoints/*.index"):
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            times.append(path.stat().st_mtime)
    return max(times, default=0.0)


def await_progress(run, process):
    """Waits until a process has written a checkpoint."""
    before, deadline = newest_checkpoint(run), time.monotonic() + 300
    while newest_checkpoint(run) == before and process.is_alive():
        assert time.monotonic() < deadline, "no checkpoint in five minutes"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("schedule, devices", [("parallel", 2), ("alternating", 1)])
def test_a_killed_run_ends_as_one_that_was_not_killed(tmp_path, schedule, devices):
    flags = ["--epochs=10", f"--num_devices={devices}"]
    assert finish(start(tmp_path / "whole", *flags, schedule=schedule)) == 0
    for _ in range(KILLS):
        process = start(tmp_path / "killed", *flags, schedule=schedule)
        await_progress(tmp_path / "killed", process)
        time.sleep(random.uniform(0, 0.5))
        process.kill()
        process.join()
    assert finish(start(tmp_path / "killed", *flags, schedule=schedule)) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize(
    "number, status, name", [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")]
)
def test_a_signal_saves_and_ends_with_its_own_status(tmp_path, number, status, name):
    run = tmp_path / "run"
    process = start(run, "--epochs=200")
    await_progress(run, process)
    started = time.monotonic()
    os.kill(process.pid, number)
    assert finish(process) == status
    assert time.monotonic() - started < 10
    line = text(run, ".err")
    assert line.count("\n") == 1 and f"{name}: saved" in line
    done = max(int(path.stem.removeprefix("ckpt-")) for path in run.glob("checkpoints/*.index"))
    assert finish(start(run, f"--epochs={done // 24 + 1}")) == 0
    assert f"resumed in epoch {done // 24 + 1} after step {done % 24}" in text(run, ".out")


@pytest.mark.slow
@pytest.mark.parametrize("place", ["data", "final save"])
def test_a_signal_outside_training_is_one_line_and_the_run_resumes(tmp_path, place):
    run = tmp_path / "run"
    process = start(run, "--epochs=1", environment={"STOP_IN": place})
    assert finish(process) == 130
    line = text(run, ".err")
    assert line.count("\n") == 1 and "Ctrl-C: stopped" in line
    assert run.exists() == (place == "final save")
    assert not list(run.glob("**/.partial.*")) and not (run / "result.json").exists()
    assert finish(start(run, "--epochs=1")) == 0
    assert ("resumed" in text(run, ".out")) == (place == "final save")


@pytest.mark.slow
def test_a_second_process_on_the_same_folder_is_refused(tmp_path):
    run = tmp_path / "run"
    first = start(run, "--epochs=200")
    await_progress(run, first)
    assert finish(start(run, environment={"SUFFIX": "2"})) == 2
    assert first.is_alive()
    assert "in use by another process" in text(run, "2.err")
    first.kill()
    first.join()


@pytest.mark.slow
def test_a_full_disk_leaves_the_checkpoint_before(tmp_path):
    run, whole = tmp_path / "run", tmp_path / "whole"
    assert finish(start(run, "--epochs=1")) == 0
    kept = {path: path.read_bytes() for path in run.glob("checkpoints/ckpt-*")}
    for size in (1_000, 30_000, 60_000):  # what the process prints goes to files too
        status = finish(start(run, "--epochs=2", environment={"FILE_SIZE": str(size)}))
        line = text(run, ".err")
        assert status == (2 if size == 1_000 else 4), f"{size}: {line}"
        assert line.count("\n") == 1 and str(run) in line, f"{size}: {line}"
        assert {path: path.read_bytes() for path in run.glob("checkpoints/ckpt-*")} == kept
        assert not list(run.glob("**/.partial.*"))
    assert finish(start(run, "--epochs=2")) == 0
    assert finish(start(whole, "--epochs=2")) == 0
    assert_same_run(whole, run)


def start_cluster(run, size, *flags, **options):
    environments = [
        {"TF_CONFIG": config, "SUFFIX": str(index)} for index, config in enumerate(cluster(size))
    ]
    return [start(run, *flags, environment=e, **options) for e in environments]


@pytest.mark.slow
def test_two_processes_agree_with_one_and_resume_after_one_is_killed(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert finish(start(one, "--epochs=2")) == 0
    workers = start_cluster(two, 2, "--epochs=200")
    await_progress(two, workers[0])
    os.kill(workers[1].pid, signal.SIGKILL)
    started = time.monotonic()
    assert finish(workers[0]) == 5
    assert time.monotonic() - started < 60
    line = text(two, "0.err")
    assert line.count("\n") == 1 and "another worker is gone" in line
    assert [finish(w) for w in start_cluster(two, 2, "--epochs=2")] == [0, 0]
    assert text(two, "1.out") == ""  # the chief alone prints
    assert_same_run(one, two, atol=1e-5)
