"""The examples, run as their reader would run them."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).parents[1]
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.py"))


def python(*arguments, folder):
    """Runs Python in an empty folder, with this package where pip would have put it."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_in_silence_and_learns(example, tmp_path):
    pytest.importorskip("mlxtend")
    done = python(example, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    errors = [float(error) for error in re.findall(r"val_error: (\S+)", done.stdout)]
    assert errors[-1] < 30


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_tests_in_an_example_pass(example, tmp_path):
    options = ["-q", "-n", "0", "-p", "no:cacheprovider"]
    done = python("-m", "pytest", *options, example, folder=tmp_path)
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout
