"""The launch scripts, run against programs that only write down how they were called."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from tp_keras.report import paper

REPOSITORY = pathlib.Path(__file__).parents[1]
LAUNCH = REPOSITORY / "launch"
SCRIPTS = sorted([*LAUNCH.glob("*.sh"), *LAUNCH.glob("*.sbatch")])
MANIFEST = LAUNCH / "kubernetes.yaml"


def run(script, *arguments, folder, status=0, **environment):
    """Runs a script with stand-ins on its path: exit status, and the calls of the stand-ins."""
    calls = folder / "calls"
    for program in ("python", "srun", "scontrol", "tensorboard"):
        fake = folder / program
        code = status if program == "srun" else 0
        fake.write_text(f'#!/bin/sh\necho "{program} $*" >>"{calls}"\nexit {code}\n')
        fake.chmod(0o755)
    variables = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", **environment}
    done = subprocess.run([LAUNCH / script, *arguments], env=variables, capture_output=True)
    return done.returncode, calls.read_text().splitlines()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_syntax(script):
    subprocess.run(["bash", "-n", script], check=True)


def test_local_passes_flags_on(tmp_path):
    status, calls = run("local.sh", "gin/a.gin", "--epochs=2", folder=tmp_path)
    train = "python -m tp_keras.train --gin_file=gin/a.gin --strategy=auto --epochs=2"
    assert (status, calls) == (0, [train])


def test_tensorboard_shows_a_folder(tmp_path):
    assert run("tensorboard.sh", folder=tmp_path)[1] == ["tensorboard --logdir=runs"]


@pytest.mark.parametrize("status, requeued", [(0, False), (2, False), (5, True), (143, True)])
def test_slurm_queues_what_was_cut_off_again(tmp_path, status, requeued):
    code, calls = run(
        "slurm.sbatch",
        "gin/a.gin",
        "--seed=1",
        folder=tmp_path,
        status=status,
        SLURM_JOB_ID="7",
        SLURM_SUBMIT_DIR=str(REPOSITORY),
    )
    train = "python -m tp_keras.train --gin_file=gin/a.gin --strategy=multi_worker --seed=1"
    assert code == status
    assert calls == [f"srun --wait=120 {train}", *["scontrol requeue 7"] * requeued]


def test_slurm_does_not_queue_for_ever(tmp_path):
    restarts = {"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "100"}
    _, calls = run("slurm.sbatch", "gin/a.gin", folder=tmp_path, status=143, **restarts)
    assert len(calls) == 1


def test_slurm_search_is_an_array_on_one_folder(tmp_path):
    _, calls = run("slurm_search.sbatch", "gin/a.gin", "found", "--trials=9", folder=tmp_path)
    search = "python -m tp_keras.search --gin_file=gin/a.gin --search_dir=found --trials=9"
    assert calls == [f"srun {search}"]
    assert "#SBATCH --array=" in (LAUNCH / "slurm_search.sbatch").read_text()


def test_the_table_leaves_out_cells_that_have_had_their_epochs(tmp_path):
    runs = tmp_path / "runs"
    for cell, epochs in (("mnist_fc_bp", 100), ("mnist_lc_bp", 20), ("mnist_lc_fa", 19)):
        (runs / cell / "0").mkdir(parents=True)
        result = json.dumps({"epochs": epochs, "best_epoch": 7}, indent=2)
        (runs / cell / "0" / "result.json").write_text(result)
    _, calls = run("mnist_table.sh", str(runs), "data", "100", "20", folder=tmp_path)
    trained = re.findall(r"--gin_file=gin/(\S+).gin --epochs=(\d+) .*--seed=(\d)", "\n".join(calls))
    table = {"_".join(filter(None, cell)) for cell in paper.table(1) if cell[0] == "mnist"}
    assert {name for name, *_ in trained} == table - {"mnist_lc_bp", "mnist_fc_bp"}
    assert all(epochs == ("100" if "_fc_" in name else "20") for name, epochs, _ in trained)
    assert len(trained) == len(set(trained)) == 19 - 2 + 2 * 4


def test_kubernetes_pods_get_their_tf_config(tmp_path):
    shell = re.search(r"args:\n +- \|\n(.*?)\n {10}resources:", MANIFEST.read_text(), re.S)[1]
    shell = shell.replace("exec python", 'printf %s "$TF_CONFIG"; exit; python')
    environment = {**os.environ, "WORKERS": "3", "JOB_COMPLETION_INDEX": "1"}
    done = subprocess.run(["bash", "-c", shell], env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout) == {
        "cluster": {"worker": [f"tp-keras-{i}.tp-keras:2222" for i in range(3)]},
        "task": {"type": "worker", "index": 1},
    }
