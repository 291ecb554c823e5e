"""The program tp-keras: its commands, and which of them import TensorFlow."""

import os
import pathlib
import signal
import subprocess
import sys

import gin
import pytest
from absl import app, flags
from command_line import run_program

from tp_keras import __main__ as program
from tp_keras import commands, learners, rules, train
from tp_keras.search import __main__ as search

REPOSITORY = pathlib.Path(__file__).parents[1]


@pytest.mark.parametrize(
    "original, given, expected",
    [
        ("python -X dev -m tp_keras.report --runs=x", "-m --runs=x", False),
        ("python -m tp_keras report --runs=x", "-m report --runs=x", False),
        ("python /usr/bin/tp-keras report", "/usr/bin/tp-keras report", False),
        ("python /usr/bin/tp-keras --help", "/usr/bin/tp-keras --help", False),
        ("python /usr/bin/tp-keras", "/usr/bin/tp-keras", False),
        ("python /usr/bin/tp-keras train --help", "/usr/bin/tp-keras train --help", True),
        ("python -m tp_keras rules", "-m rules", True),
        ("python -m tp_keras.train --gin_file=report", "-m --gin_file=report", True),
        ("python script.py report", "script.py report", True),
        ("python -m pytest", "-m", True),
        ("python", "", True),
    ],
)
def test_all_commands_but_the_report_and_help_need_tensorflow(original, given, expected):
    assert commands.needs_tensorflow(original.split(), given.split()) is expected


def python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, capture_output=True, text=True
    )


def test_help_and_the_report_start_without_tensorflow():
    for arguments in (["tp_keras", "--help"], ["tp_keras", "report", "--help"]):
        done = python("-X", "importtime", "-m", *arguments)
        assert done.returncode == 0 and done.stdout.startswith("usage: ")
        modules = {line.rsplit("|")[-1].strip() for line in done.stderr.splitlines()}
        assert "tp_keras.commands" in modules and not modules & {"tensorflow", "keras"}


def test_help_that_nobody_can_read_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tp_keras", "--help"],
            cwd=REPOSITORY, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    line = "tp-keras: cannot write: No space left on device\n"
    assert (done.returncode, done.stderr) == (4, line)


def called(monkeypatch, *arguments):
    """Runs the program: its status, and the modules it ran with their arguments."""
    found = []
    monkeypatch.setattr(sys, "argv", ["tp-keras", *arguments])
    monkeypatch.setattr(
        program.runpy, "run_module", lambda name, **_: found.append((name, sys.argv[1:]))
    )
    return program.main(), found


def test_a_command_gets_the_rest_of_the_line(monkeypatch):
    for name in ("train", "search", "report", "rules"):
        status, found = called(monkeypatch, name, "--a=b", "train")
        assert (status, found) == (0, [(f"tp_keras.{name}", ["--a=b", "train"])])


@pytest.mark.parametrize("arguments", [["nope"], [], ["--nope"]])
def test_an_unknown_command_gets_one_line_and_status_2(monkeypatch, capsys, arguments):
    status, found = called(monkeypatch, *arguments)
    out, err = capsys.readouterr()
    assert (status, found, out, err.count("\n")) == (2, [], "", 1)
    assert all(word in err for word in [*arguments, *commands.COMMANDS])


def test_help_names_every_command_and_verbosity(monkeypatch, capsys):
    for word in ("--help", "-h", "help"):
        assert called(monkeypatch, word) == (0, [])
        out = capsys.readouterr().out
        assert all(name in out for name in (*commands.COMMANDS, "--verbosity"))


@pytest.mark.parametrize("module", [train, search])
@pytest.mark.parametrize("flag", ["--help", "--helpfull"])
def test_help_of_a_command_with_flags_ends_with_0(module, flag):
    app.define_help_flags()
    assert run_program(module, flag)[0] == 0


def test_help_of_training_and_searching_shows_the_flags_of_both_and_verbosity():
    for module, names in ((train, ["epochs"]), (search, ["epochs", "trials"])):
        text = flags.FLAGS.module_help(module)
        assert all(f"{name}:" in text for name in ["gin_file", "trust_gin_imports", *names])
        assert "verbosity:" in text


@pytest.mark.parametrize("module", [train, search])
def test_a_seed_that_is_no_whole_number_is_refused_by_flag(module):
    status, _, line = run_program(module, "--seed=1e3")
    assert (status, line) == (
        2,
        f"{module.__name__.removesuffix('.__main__')}: --seed must be a whole number, received "
        "'1e3'\n",
    )


@pytest.mark.parametrize("command", ["tp_keras.train", "tp_keras.search", "tp_keras"])
def test_ctrl_c_while_tensorflow_is_imported_ends_a_command_without_a_traceback(tmp_path, command):
    interrupting = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"
    (tmp_path / "tensorflow.py").write_text(interrupting)
    done = subprocess.run(
        [sys.executable, "-m", command, "rules"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(REPOSITORY)])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_in_a_script_that_imports_the_package_is_left_to_python():
    assert not commands.is_program(["python", "script.py", "x"], ["script.py", "x"])
    assert not commands.is_program(["python", "-m", "pytest"], ["-m"])
    assert not commands.is_program(["python"], [])


def test_rules_lists_every_rule_with_its_experiments(capsys):
    assert rules.main([]) == 0
    out = capsys.readouterr().out
    assert "SDTP          Simplified difference target propagation (SDTP), Bartunov" in out
    assert set(rules.describe_rules()) == {
        name for name in learners.__all__ if getattr(getattr(learners, name), "rule_name", None)
    }
    assert "gin/mnist_fc_sdtp_parallel.gin" in out


def test_lists_of_experiments_fit_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    rules.main([])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(" ")]
    assert 50 < max(map(len, lines)) <= 60


def test_the_experiments_of_a_rule_are_those_that_gin_trains_by_it():
    found = rules.list_experiments()
    assert None not in found or set(found[None]) == {"gin/base.gin"}
    for name in rules.describe_rules():
        path = found[name][0]
        gin.clear_config()
        train.configure([path], [])
        assert gin.query_parameter("train.learner").configurable.wrapped.__name__ == name
    gin.clear_config()
