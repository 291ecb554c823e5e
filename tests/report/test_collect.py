"""`launch/collect_results.sh` copies records and follows no links."""

import os
import pathlib
import subprocess

from fake_run_folders import write_run

SCRIPT = pathlib.Path(__file__).parents[2] / "launch/collect_results.sh"


def collect(runs, results, folder):
    """Runs the script; exit status and lines. `python` writes its arguments to a file."""
    (folder / "python").write_text(f'#!/bin/sh\necho "$@" >"{folder}/arguments"\n')
    (folder / "python").chmod(0o755)
    path = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run([SCRIPT, runs, results], env=path, capture_output=True, text=True)
    return done.returncode, done.stderr.splitlines()


def test_records_are_copied_without_folders_of_the_machine(tmp_path):
    gin = "load.data_dir = \\\n    '/secret/data'\ntrain.run_dir = '/secret/x'"
    run = write_run(tmp_path / "runs/a b/0", gin=gin)
    (run / "last.weights.h5").write_text("weights")
    assert collect(tmp_path / "runs", tmp_path / "results", tmp_path) == (0, [])
    copy = tmp_path / "results/a b/0"
    names = sorted(path.name for path in copy.iterdir())
    assert names == ["epochs.csv", "operative.gin", "result.json"]
    assert (copy / "epochs.csv").read_bytes() == (run / "epochs.csv").read_bytes()
    expected = "seed = 0\nload.data_dir = '...'\ntrain.run_dir = '...'\n"
    assert (copy / "operative.gin").read_text() == expected
    report = f"-m tp_keras.report --runs={tmp_path}/results --out={tmp_path}/results/report\n"
    assert (tmp_path / "arguments").read_text() == report


def test_a_trial_of_a_search_stays_one(tmp_path):
    """Without `trial.json` a report would take it for a run of a table's cell."""
    write_run(tmp_path / "runs/fa/0", trial=True)
    assert collect(tmp_path / "runs", tmp_path / "results", tmp_path) == (0, [])
    assert (tmp_path / "results/fa/0/trial.json").read_text() == "{}"


def test_what_a_link_points_at_is_not_copied(tmp_path):
    run = write_run(tmp_path / "runs/a")
    (tmp_path / "secret").write_text("mine")
    (run / "epochs.csv").unlink()
    (run / "epochs.csv").symlink_to(tmp_path / "secret")
    write_run(tmp_path / "elsewhere/b")
    (tmp_path / "runs/b").symlink_to(tmp_path / "elsewhere/b")
    status, lines = collect(tmp_path / "runs", tmp_path / "results", tmp_path)
    assert (status, lines) == (0, [f"skipped {run}/epochs.csv: a link"])
    found = sorted(
        str(path.relative_to(tmp_path / "results")) for path in tmp_path.rglob("results/*/*")
    )
    assert found == ["a/operative.gin", "a/result.json"]


def test_nothing_is_written_through_a_link(tmp_path):
    write_run(tmp_path / "runs/a")
    (tmp_path / "results/a").mkdir(parents=True)
    (tmp_path / "target").write_text("mine")
    (tmp_path / "results/a/result.json").symlink_to(tmp_path / "target")
    assert collect(tmp_path / "runs", tmp_path / "results", tmp_path) == (0, [])
    assert (tmp_path / "target").read_text() == "mine"
    (tmp_path / "elsewhere").mkdir()
    write_run(tmp_path / "runs/b")
    (tmp_path / "results/b").symlink_to(tmp_path / "elsewhere")
    status, lines = collect(tmp_path / "runs", tmp_path / "results", tmp_path)
    assert status == 1
    assert lines == [f"error: {tmp_path}/results/b is a link"]
    assert list((tmp_path / "elsewhere").iterdir()) == []
