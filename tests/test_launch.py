"""The launch scripts, with programs in place of python and srun that record their arguments."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from tp_keras.report import paper

REPOSITORY = pathlib.Path(__file__).parents[1]
LAUNCH = REPOSITORY / "launch"
SCRIPTS = sorted([*LAUNCH.glob("*.sh"), *LAUNCH.glob("*.sbatch")])
SOURCED = ("from_here.sh", "run_once.sh")
PROGRAMS = [path for path in SCRIPTS if path.name not in SOURCED]
MANIFEST = LAUNCH / "kubernetes.yaml"
# Writes the files of a finished run; $run_dir and $epochs are those of the call
TRAINED = """
mkdir -p "$run_dir/checkpoints"
touch "$run_dir"/best.weights.h5 "$run_dir"/last.weights.h5 "$run_dir"/network.keras
printf '{\n  "epochs": %s,\n  "best_epoch": 1\n}\n' $epochs >"$run_dir/result.json"
"""
# Two workers, as srun starts them; it ends with the highest status
SRUN = """
[ -z "${TASKS:-}" ] && exit ${STATUS:-0}
shift  # --wait
worst=0
for status in $TASKS; do
    SLURM_PROCID=$((procid += 1)) STATUS=$status "$@" || { s=$?; [ $s -gt $worst ] && worst=$s; }
done
exit $worst
"""
PREAMBLE = """#!/bin/sh
echo "{program} $*" >>"{calls}"
for flag in "$@"; do
    case $flag in --run_dir=*) run_dir=${{flag#*=}} ;; --epochs=*) epochs=${{flag#*=}} ;; esac
done
{code}
"""
ENDS = "exit ${STATUS:-0}"


def prepare(folder, code):
    """Puts programs that record their calls on the path; `code` is what python runs."""
    for program in ("python", "srun", "scontrol", "tensorboard"):
        does = {"python": code, "srun": SRUN}.get(program, "")
        fake = folder / program
        fake.write_text(PREAMBLE.format(program=program, calls=folder / "calls", code=does))
        fake.chmod(0o755)
    (folder / "data").mkdir(exist_ok=True)
    (folder / "calls").touch()


def start(script, *arguments, folder, code=ENDS, **environment):
    """Starts a script in `folder`."""
    prepare(folder, code)
    variables = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", **environment}
    command = ["bash", LAUNCH / script, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=variables, cwd=folder, **pipes)


def calls_of(folder):
    return (folder / "calls").read_text().splitlines()


def finish(process):
    """What a script printed, to both outputs."""
    out, err = process.communicate(timeout=60)
    return out + err


def run(script, *arguments, folder, **options):
    """Runs a script in `folder`: exit status, recorded calls, what was printed."""
    process = start(script, *arguments, folder=folder, **options)
    printed = finish(process)
    return process.returncode, calls_of(folder), printed


def await_calls(folder, count):
    deadline = time.monotonic() + 30
    while len(calls_of(folder)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_syntax(script):
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize("script", PROGRAMS, ids=lambda path: path.name)
def test_help_and_missing_arguments_get_one_line(script, tmp_path):
    status, calls, printed = run(script.name, "--help", folder=tmp_path, SLURM_JOB_ID="7")
    assert (status, calls, printed.count("\n")) == (0, [], 1)
    assert printed.startswith("usage: ") and f"launch/{script.name}" in printed
    if script.name != "tensorboard.sh":  # needs none
        assert run(script.name, folder=tmp_path, SLURM_JOB_ID="7") == (2, [], printed)


def test_local_passes_flags_on(tmp_path):
    status, calls, _ = run("local.sh", "gin/a.gin", "--epochs=2", folder=tmp_path)
    train = "python -m tp_keras.train --gin_file=gin/a.gin --strategy=auto --epochs=2"
    assert (status, calls) == (0, [train])


def test_relative_paths_are_those_of_the_caller_and_the_code_is_the_checkout_s(tmp_path):
    code = 'echo "$PWD, $PYTHONPATH" >>calls'
    _, (_, place), _ = run("local.sh", "a.gin", folder=tmp_path, code=code, PYTHONPATH="/x")
    assert place == f"{tmp_path}, {REPOSITORY}:/x"
    _, calls, _ = run("beyond.sh", "mnist_fc", "runs", "data", folder=tmp_path)
    paths = f"--data_dir={tmp_path}/data --run_dir={tmp_path}/runs/mnist_fc_bp/0"
    assert paths in "\n".join(calls)  # two train at a time, in either order


@pytest.mark.parametrize("script", ["local.sh", "beyond.sh"])
def test_huge_pages_are_asked_for_beside_other_tunables(script, tmp_path):
    arguments = {"local.sh": ["a.gin"], "beyond.sh": ["mnist_fc", "runs", "data"]}[script]
    code = f'echo "$GLIBC_TUNABLES" >>"{tmp_path}/tunables"'
    tunables = "glibc.malloc.check=0"
    run(script, *arguments, folder=tmp_path, code=code, GLIBC_TUNABLES=tunables)
    found = set((tmp_path / "tunables").read_text().splitlines())
    assert found == {f"{tunables}:glibc.malloc.hugetlb=1"}


def test_tensorboard_shows_a_folder(tmp_path):
    assert run("tensorboard.sh", folder=tmp_path)[1] == ["tensorboard --logdir=runs"]


def slurm(folder, **environment):
    arguments = "gin/a.gin", "--seed=1"
    return run("slurm.sbatch", *arguments, folder=folder, SLURM_JOB_ID="7", **environment)


@pytest.mark.parametrize("status, requeued", [(0, False), (2, False), (5, True), (143, True)])
def test_slurm_requeues_a_job_that_was_interrupted(tmp_path, status, requeued):
    code, calls, _ = slurm(tmp_path, STATUS=str(status))
    train = "worker --gin_file=gin/a.gin --strategy=multi_worker --seed=1"
    assert code == status
    assert calls[0].startswith("srun --wait=120 ")
    assert " ".join(calls).count(train) == 1
    assert ("scontrol requeue 7" in calls) == requeued


@pytest.mark.parametrize(
    "tasks, status, requeued",
    [("0 0", 0, False), ("5 2", 2, False), ("2 143", 2, False), ("3 137", 3, False)]
    + [("5 5", 5, True), ("143 143", 143, True)],
)
def test_a_worker_that_refuses_its_input_gives_the_job_its_status(
    tmp_path, tasks, status, requeued
):
    code, calls, _ = slurm(tmp_path, TASKS=tasks)
    train = "python -m tp_keras.train --gin_file=gin/a.gin --strategy=multi_worker --seed=1"
    assert calls.count(train) == 2
    assert (code, "scontrol requeue 7" in calls) == (status, requeued)
    assert not list(tmp_path.glob(".slurm*"))


@pytest.mark.parametrize("script", ["slurm.sbatch", "slurm_search.sbatch"])
def test_srun_gets_the_cores_of_the_job(tmp_path, script):
    process = start(
        script, "a.gin", "b", folder=tmp_path, SLURM_JOB_ID="7", SLURM_CPUS_PER_TASK="4"
    )
    finish(process)
    (tmp_path / "srun").write_text(f'#!/bin/sh\necho "$SRUN_CPUS_PER_TASK" >"{tmp_path}/cores"\n')
    environment = {"SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "4"}
    variables = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", **environment}
    subprocess.run(["bash", LAUNCH / script, "a.gin", "b"], env=variables, cwd=tmp_path, check=True)
    assert (tmp_path / "cores").read_text() == "4\n"


def test_slurm_requeues_a_job_a_hundred_times_at_most(tmp_path):
    assert slurm(tmp_path, SLURM_RESTART_COUNT="99", STATUS="143")[1][-1] == "scontrol requeue 7"
    (tmp_path / "calls").unlink()
    _, calls, _ = slurm(tmp_path, SLURM_RESTART_COUNT="100", STATUS="143")
    assert "scontrol requeue 7" not in calls


def test_slurm_search_is_an_array_on_one_folder(tmp_path):
    _, calls, _ = run("slurm_search.sbatch", "gin/a.gin", "found", "--trials=9", folder=tmp_path)
    search = "python -m tp_keras.search --gin_file=gin/a.gin --search_dir=found --trials=9"
    assert calls == [f"srun {search}"]
    assert "#SBATCH --array=" in (LAUNCH / "slurm_search.sbatch").read_text()


def trained_by(calls):
    """Experiment, epochs and seed of every training run."""
    pattern = r"--gin_file=gin/(\S+).gin --epochs=(\d+) .*--seed=(\d)"
    return re.findall(pattern, "\n".join(calls))


def test_the_table_skips_cells_that_are_complete(tmp_path):
    runs = tmp_path / "runs"
    for cell, epochs in (("mnist_fc_bp", 100), ("mnist_lc_bp", 20), ("mnist_lc_fa", 19)):
        (runs / cell / "0").mkdir(parents=True)
        result = json.dumps({"epochs": epochs, "best_epoch": 7}, indent=2)
        (runs / cell / "0" / "result.json").write_text(result)
    status, calls, _ = run("mnist_table.sh", "runs", "data", "100", "20", folder=tmp_path)
    trained = trained_by(calls)
    table = {"_".join(filter(None, cell)) for cell in paper.table(1) if cell[0] == "mnist"}
    assert status == 0
    assert {name for name, *_ in trained} == table - {"mnist_lc_bp", "mnist_fc_bp"}
    assert all(epochs == ("100" if "_fc_" in name else "20") for name, epochs, _ in trained)
    assert len(trained) == len(set(trained)) == 19 - 2 + 2 * 4


def test_every_experiment_that_a_script_names_exists(tmp_path):
    for script in (
        "mnist_table.sh",
        "science.sh",
        "ablation.sh",
        "auxiliary_sweep.sh",
        "resnet20.sh",
    ):
        run(script, "runs", "data", folder=tmp_path)
    found = set(re.findall(r"--gin_file=(\S+)", "\n".join(calls_of(tmp_path))))
    assert len(found) > 40
    assert [path for path in found if not (REPOSITORY / path).is_file()] == []


def test_science_counts_epochs_of_the_network_and_trains_nothing_twice(tmp_path):
    status, calls, _ = run("science.sh", "runs", "data", folder=tmp_path, code=TRAINED)
    longer = [call for call in calls if "/longer/" in call]
    trained = trained_by(call for call in calls if call not in longer)
    assert status == 0
    assert {"mnist_fc_bp", "mnist_fc_sdtp_alternating"} <= {name for name, *_ in trained[:10]}
    epochs = {(name, seed): int(count) for name, count, seed in trained}
    assert epochs["mnist_fc_sdtp_alternating", "2"] == 2 * epochs["mnist_fc_sdtp_parallel", "2"]
    assert epochs["cifar10_lc_weight_mirror", "0"] == epochs["cifar10_lc_ldrl", "0"] + 1 == 13
    scale = [call for call in calls if "cifar10_lc_fa+rate_of_bp/1" in call]
    assert len(scale) == 1
    for setting in ("validation_examples = 5000", "[@Diagnostics]", "0.000044"):
        assert setting in scale[0]
    assert all(int(count) in (60, 61) for _, count, _ in trained_by(longer))
    decays = [call.rpartition("decay = ")[2] for call in longer if "decay = " in call]
    assert decays == ["1e-4", "2.2727"]
    assert float(decays[1]) * 4.4e-5 == pytest.approx(1e-4, rel=1e-4)
    (tmp_path / "calls").unlink()
    assert run("science.sh", "runs", "data", folder=tmp_path, code=TRAINED)[1] == []


def test_science_trains_the_cells_alone_that_are_asked_for(tmp_path):
    status, calls, _ = run(
        "science.sh", "runs", "data", "imagenet_s", folder=tmp_path, code=TRAINED
    )
    assert status == 0
    assert {name for name, *_ in trained_by(calls)} == {"imagenet_sdtp", "imagenet_sign_symmetry"}


@pytest.mark.parametrize("script", ["science.sh", "inverses.sh"])
def test_a_cell_that_is_in_no_list_is_named(tmp_path, script):
    status, calls, printed = run(script, "runs", "data", "mnist_fx", folder=tmp_path)
    assert (status, calls, (tmp_path / "runs").exists()) == (2, [], False)
    assert printed.endswith(f"no cell of {script} begins with mnist_fx\n")


@pytest.mark.parametrize(
    "script, arguments, line",
    [
        (
            "beyond.sh",
            ["mnist_conv", "runs", "data"],
            "no experiment gin/mnist_conv_kolen_pollack.gin",
        ),
        (
            "beyond.sh",
            ["mnist_fc", "runs", "data", "0"],
            "EPOCHS must be a whole number above 0, received 0",
        ),
        ("auxiliary_sweep.sh", ["runs", "data", "1e2"], "EPOCHS must be"),
        (
            "auxiliary_sweep.sh",
            ["runs", "data", "5", "both"],
            "no experiment gin/cifar10_fc_sdtp_both",
        ),
        ("mnist_table.sh", ["runs", "data", "mnist_fc_bp"], "FC_EPOCHS must be"),
        ("mnist_table.sh", ["runs", "data", "5", "-2"], "LC_EPOCHS must be"),
    ],
)
def test_an_argument_of_another_kind_is_refused_before_anything_is_made(
    tmp_path, script, arguments, line
):
    status, calls, printed = run(script, *arguments, folder=tmp_path)
    assert (status, calls, (tmp_path / "runs").exists()) == (2, [], False)
    assert printed.startswith(line) and printed.count("\n") == 1


def test_a_folder_of_runs_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    status, calls, printed = run("resnet20.sh", "file/runs", "data", folder=tmp_path)
    assert (status, calls) == (2, []) and "file" in printed.splitlines()[-1]


@pytest.mark.parametrize("kept, files", [("0", 0), ("1", 4)])
def test_a_finished_run_keeps_its_weights_only_where_asked(tmp_path, kept, files):
    run("ablation.sh", "runs", "data", folder=tmp_path, code=TRAINED, KEEP=kept)
    folder = tmp_path / "runs/sdtp/Table 5"
    assert (folder / "result.json").exists() and (folder / "status").read_text() == "0\n"
    weights = ("checkpoints", "best.weights.h5", "last.weights.h5", "network.keras")
    assert sum((folder / name).exists() for name in weights) == files


def test_an_unfinished_run_keeps_its_weights(tmp_path):
    failing = TRAINED + 'rm "$run_dir/result.json"; exit 143'
    run("beyond.sh", "mnist_fc", "runs", "data", folder=tmp_path, code=failing)
    assert (tmp_path / "runs/mnist_fc_bp/0/checkpoints").exists()


def test_two_runs_train_at_a_time_with_a_thread_each(tmp_path):
    settings = "$TF_NUM_INTRAOP_THREADS $TF_NUM_INTEROP_THREADS $TF_FORCE_GPU_ALLOW_GROWTH"
    code = f"""
echo "+ {settings}" >>"{tmp_path}/at_work"
sleep 0.1
echo "- done" >>"{tmp_path}/at_work"
"""
    run("beyond.sh", "mnist_fc", "runs", "data", folder=tmp_path, code=code)
    at_work, most = 0, 0
    for line in (tmp_path / "at_work").read_text().splitlines():
        assert line in ("+ 1 1 true", "- done")
        at_work += 1 if line[0] == "+" else -1
        most = max(most, at_work)
    assert (at_work, most) == (0, 2)


def test_a_second_start_skips_the_runs_that_the_first_is_training(tmp_path):
    go_on = tmp_path / "go_on"
    wait = f'while [ ! -e "{go_on}" ]; do sleep 0.05; done; {TRAINED}'
    arguments = {"folder": tmp_path, "code": wait, "PROCESSES": "6"}
    first = start("beyond.sh", "mnist_fc", "runs", "data", **arguments)
    await_calls(tmp_path, 6)
    second = start("beyond.sh", "mnist_fc", "runs", "data", **arguments)
    printed = finish(second)
    assert (second.returncode, len(calls_of(tmp_path))) == (0, 6)
    assert "mnist_fc_bp/0," not in printed
    go_on.touch()
    finish(first)
    assert (tmp_path / "runs/mnist_fc_bp/0/status").read_text() == "0\n"


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_script_that_gets_a_signal_ends_its_runs_first(tmp_path, number, status):
    code = f"""
trap 'echo saved >>"{tmp_path}/ended"; exit 143' TERM
echo ready >>"{tmp_path}/calls"
while :; do sleep 0.05; done
"""
    process = start("beyond.sh", "mnist_fc", "runs", "data", folder=tmp_path, code=code)
    await_calls(tmp_path, 4)
    process.send_signal(number)
    finish(process)
    assert process.returncode == status
    assert (tmp_path / "ended").read_text() == "saved\nsaved\n"
    assert len(calls_of(tmp_path)) == 4  # nothing else was started
    assert (tmp_path / "runs/mnist_fc_bp/0/status").read_text() == "143\n"


def test_failures_do_not_stop_the_rest_and_end_in_a_status(tmp_path):
    code = 'case $run_dir in *_fa/0) echo "diverged in epoch 1"; exit 3 ;; esac' + TRAINED
    status, calls, printed = run(
        "beyond.sh", "mnist_fc", "runs", "data", folder=tmp_path, code=code
    )
    assert (status, len(calls)) == (1, 6)
    assert "runs/mnist_fc_fa/0 ended with status 3: diverged in epoch 1\n" in printed


def test_missing_data_are_named_once(tmp_path):
    status, calls, printed = run("mnist_table.sh", "runs", "nowhere", folder=tmp_path)
    assert (status, calls) == (2, [])
    assert printed == f"DATA_DIR is not a folder: {tmp_path}/nowhere\n"
    code = f'echo "mnist is not in {tmp_path}/data and the network cannot be reached"; exit 2'
    status, calls, printed = run("mnist_table.sh", "runs", "data", folder=tmp_path, code=code)
    assert (status, len(calls)) == (1, 2)  # the two that were started together
    assert printed.count("the network cannot be reached") == 1


def test_free_space_is_checked_before_anything_starts(tmp_path):
    _, _, printed = run("mnist_table.sh", "runs", "data", folder=tmp_path)
    assert f"needs up to 1 GB in {tmp_path}/runs" in printed
    df = tmp_path / "df"
    df.write_text('#!/bin/sh\nprintf "a b c d\\n/dev/x 9 9 1048575 9\\n"\n')
    df.chmod(0o755)
    (tmp_path / "calls").unlink()
    status, calls, printed = run("mnist_table.sh", "runs", "data", folder=tmp_path)
    assert (status, calls) == (2, []) and "not enough space" in printed


def test_kubernetes_pods_get_their_tf_config(tmp_path):
    shell = re.search(r"args:\n +- \|\n(.*?)\n {10}resources:", MANIFEST.read_text(), re.S)[1]
    shell = shell.replace("exec python", 'printf %s "$TF_CONFIG"; exit; python')
    environment = {**os.environ, "WORKERS": "3", "JOB_COMPLETION_INDEX": "1"}
    done = subprocess.run(["bash", "-c", shell], env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout) == {
        "cluster": {"worker": [f"tp-keras-{i}.tp-keras:2222" for i in range(3)]},
        "task": {"type": "worker", "index": 1},
    }
