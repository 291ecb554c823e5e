"""Random experiment files, settings, run folders and results: accepted, or refused in one line.

`FUZZ=100 python -m pytest -n 0 tests/test_fuzz.py` tries a hundred times as many examples, others
each time.
"""

import contextlib
import io
import json
import os
import pathlib
import shutil
import sys
import tempfile
from unittest import mock

import gin
import pytest
from command_line import run_program
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tp_keras.search.trials  # noqa: F401, for what it registers with gin
from tp_keras import train
from tp_keras.experiment import bindings, cli, config
from tp_keras.experiment.run_directory import CannotWrite, RunDirectory
from tp_keras.experiment.settings import TABLE

sys.path.append(str(pathlib.Path(__file__).parent / "report"))
from fake_run_folders import write_run

from tp_keras.report.__main__ import main as report_main
from tp_keras.report.runs import read_runs

FUZZ = int(os.environ.get("FUZZ", 1))
LEAF = (config.INSTALLED / "gin/quickstart.gin").read_text()
OTHERS = (config.INSTALLED / "gin/mnist_fc_bp.gin").read_text()
SETTINGS = [f"{s.rpartition('.')[2]}.{name}" for s, row in TABLE.items() for name in row]
PIECES = (
    *("include ", "'gin/base.gin'", "import os", "from os import path", "\n", "  ", "\t", "#", "="),
    *("@", "%", "()", "(", ")", "[", "]", "{", "}", "'", '"', "'''", "\\", ":", ",", "-", "1e999"),
    *(
        "train",
        ".epochs",
        "forward/",
        "adam",
        "None",
        "SDTP",
        "\0",
        "\ufeff",
        "\r",
        "é",
        "0x",
        "9" * 99,
    ),
)


def fuzz(examples):
    """Few examples, the same ones each time, unless more are asked for."""
    return settings(
        max_examples=examples * FUZZ,
        derandomize=FUZZ == 1,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty working directory, in a folder where nothing else may appear."""
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "home"))
    yield tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    gin.clear_config()


def outcome(act, *allowed):
    """Calls a function that may raise these errors and no others, with a message each."""
    try:
        act()
    except allowed as error:
        assert config.one_line(error)


texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join)


@st.composite
def mutated(draw, text):
    """A text with a piece cut out and another put in."""
    begin = draw(st.integers(0, len(text)))
    end = min(len(text), begin + draw(st.integers(0, 9)))
    return text[:begin] + draw(texts) + text[end:]


@fuzz(100)
@given(texts | mutated(LEAF) | mutated(OTHERS))
def test_a_gin_text_is_read_or_refused_with_a_message(home, text):
    gin.clear_config()
    file = home / "home/leaf.gin"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome(lambda: config.configure([str(file)], []), ValueError)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["@BP", "@SDTP", "@adam()", "%seed", "@Diagnostics", 10**400, "x" * 500]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=5,
)


def written(value):
    """A value as an experiment file writes it."""
    return value if isinstance(value, str) and value[:1] in ("@", "%") else repr(value)


@fuzz(150)
@given(st.sampled_from(SETTINGS), values, st.booleans())
def test_a_setting_is_taken_or_refused_in_one_line(home, name, value, scoped):
    setting = f"{'forward/' * scoped}{name} = {written(value)}"
    with mock.patch.object(cli, "train"):
        status, out, err = run_program(
            train, "--gin_file=gin/mnist_fc_sdtp_parallel.gin", f"--gin_bindings={setting}"
        )
    assert status in (0, train.BAD_INPUT), (setting, err)
    assert err.count("\n") == (status != 0) and len(err) < 500 and not out, (setting, err)


@fuzz(60)
@given(
    st.sampled_from(["epochs", "seed", "num_devices", "run_dir", "data_dir", "strategy"]),
    st.integers().map(str) | st.text(max_size=8) | texts,
)
def test_a_flag_is_taken_or_refused_in_one_line(home, name, value):
    arguments = ["--gin_file=gin/mnist_fc_bp.gin", f"--{name}={value}"]
    with mock.patch.object(cli, "train"):
        status, _, err = run_program(train, *arguments)
    assert status in (0, train.BAD_INPUT), (value, err)
    assert len(err.splitlines()) == (status != 0), (value, err)


@fuzz(100)
@given(texts | mutated(LEAF))
def test_the_bindings_of_any_text_can_be_read(text):
    bindings.parse_bindings(text)
    bindings.hyperparameters(text)


contents = st.binary(max_size=40) | texts.map(str.encode) | mutated('{"epochs": 3}').map(str.encode)


@fuzz(40)
@given(st.sampled_from(["operative.gin", "result.json"]), contents)
def test_a_run_folder_is_used_or_refused_with_a_message(home, name, content):
    folder = home / "home/run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / name).write_bytes(content)

    def use():
        with RunDirectory(folder, "train.seed = 0\n") as run:
            run.read_json("result.json")

    outcome(use, ValueError, CannotWrite)


numbers = st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers())
fields = st.sampled_from(
    ["dataset", "method", "schedule", "seed", "epochs", "best_test_error", "seconds", "version"]
)
results = st.dictionaries(fields, numbers, min_size=1, max_size=3)


def write_results(root, result, csv, text):
    """A good run, one of another result, and one whose files hold anything."""
    shutil.rmtree(root, ignore_errors=True)
    write_run(root / "good")
    whole = json.loads((root / "good/result.json").read_text())
    for name in ("other", "bad"):
        write_run(root / name)
    (root / "other/result.json").write_text(json.dumps(whole | result))
    (root / "other/epochs.csv").write_text(csv, encoding="utf-8", errors="replace")
    (root / "bad/result.json").write_bytes(text)


epochs = mutated("epoch,phases,train_error,test_error,seconds\n1,forward,30.0,20.0,1.5\n")


@fuzz(60)
@given(results, epochs, contents)
def test_results_are_read_or_left_out_by_name(home, result, csv, text):
    write_results(home / "home/runs", result, csv, text)
    found = read_runs(home / "home/runs")
    assert "good" in [pathlib.Path(run.path).name for run in found.runs]
    assert all(len(line.splitlines()) == 1 for line in found.warnings)


@fuzz(2)
@given(results, epochs, contents)
def test_a_report_is_written_for_results_of_any_content(home, result, csv, text):
    write_results(home / "home/runs", result, csv, text)
    with (
        contextlib.redirect_stderr(io.StringIO()) as err,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        status = report_main([f"--runs={home / 'home/runs'}", f"--out={home / 'home/report'}"])
    assert status == 0, err.getvalue()
