"""Every benchmark runs, on small sizes, without warnings."""

import pathlib
import pkgutil

import pytest
from fakes import write_photos
from processes import benchmark, finish, start, text

import benchmarks

pytestmark = pytest.mark.xdist_group("processes")
REPOSITORY = pathlib.Path(__file__).parents[1]
NAMES = [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]
PARTS = ("timing", "table3")  # modules without a main, which the others import
BRIEF = ("--seconds=0", "--rounds=1")
# One row a benchmark: its arguments, and constants of its module that save time.
# DATA is a folder of TFDS datasets, RUN a run folder
SMALL = {
    "adam": ([*BRIEF, "--sizes", "64", "65"], {}),
    "against": ([REPOSITORY, "--seconds=0", "--problem=mnist_fc", "--batch=2", "--steps=1"], {}),
    "alignment": (["RUN", "--examples=4"], {}),
    "feedback_storage": (["--image_size=9", "--batch=2", "--steps=1"], {}),
    "fit": ([*BRIEF, "--batch=2", "--steps=2"], {"RULES": ("BP",), "EAGER_STEPS": 1}),
    "imagenet": ([*BRIEF, "--problem=mnist_fc", "--batch=2"], {"RULES": ("SDTP",)}),
    "input": (["--data_dir=DATA", "--seconds=0.1"], {}),
    "learners": ([*BRIEF, "--batch=2", "--steps=1", "--rules", "BP", "DTP"], {}),
    "locally_connected": ([*BRIEF, "--problem=mnist_lc", "--batch=2"], {}),
    "scaling": (["--steps=1"], {"LAYOUTS": [("two", 1, 2)]}),
}


def test_all_but_the_parts_have_a_main():
    found = {name for name in NAMES if "def main" in source(name)}
    assert found == set(NAMES) - set(PARTS)


def source(name):
    return (REPOSITORY / f"benchmarks/{name}.py").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NAMES) - set(PARTS)))
def test_runs_and_prints_no_warnings(name, tmp_path):
    assert name in SMALL, f"benchmarks/{name}.py has no row in SMALL, above"
    given, constants = SMALL[name]
    if "RUN" in given:
        assert finish(start(tmp_path / "run", "--epochs=1")) == 0
    if "--data_dir=DATA" in given:
        write_photos(tmp_path, {"train": 32, "validation": 3})
    places = {"RUN": str(tmp_path / "run"), "--data_dir=DATA": f"--data_dir={tmp_path}"}
    out = tmp_path / name
    status = finish(benchmark(out, name, [places.get(a, str(a)) for a in given], constants), 600)
    printed = text(out, ".out") + text(out, ".err")
    assert status == 0, printed
    assert text(out, ".out").strip()
    for unwanted in ("WARNING", "retracing", "Traceback", "nan"):
        assert unwanted not in printed
