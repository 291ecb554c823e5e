"""The tables of results/ agree with the records beside them."""

import importlib.util
import json
import pathlib
import re

import pytest

REPOSITORY = pathlib.Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location(
    "results_tables", REPOSITORY / "launch/results_tables.py"
)
results_tables = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(results_tables)


def test_every_table_agrees_with_its_records():
    for page in sorted(results_tables.RESULTS.glob("*.md")):
        text = page.read_text()
        assert results_tables.filled(text) == text, page.name


def test_no_table_stands_outside_the_comments_that_name_its_records():
    for page in sorted(results_tables.RESULTS.glob("*.md")):
        rest = results_tables.BLOCK.sub("", page.read_text())
        assert not [line for line in rest.splitlines() if line.startswith("|")], page.name


def test_a_table_changes_with_its_records(tmp_path):
    run = tmp_path / "mnist_fc_sdtp_parallel_tanh"
    run.mkdir()
    (run / "result.json").write_text(json.dumps({"method": "sdtp"}))
    rows = ["epoch,phases,test_error", "1,inverse,9.5", "2,forward,7.25", "3,forward,8.0"]
    (run / "epochs.csv").write_text("\n".join(rows))
    table = results_tables.inverses(tmp_path)
    assert table.splitlines()[2:] == ["| mnist_fc_sdtp_parallel | tanh | 2 | 7.25 8.00 | 7.25 |"]


INVERSES = results_tables.RESULTS / "inverses"
LEAVES = sorted({folder.name.rpartition("_")[0] for folder in INVERSES.iterdir()})


@pytest.mark.parametrize("leaf", LEAVES)
def test_leaf_has_the_inverses_that_come_closer_to_the_paper_at_equal_epochs(leaf):
    experiment = (REPOSITORY / f"gin/{leaf}.gin").read_text()
    # The autoencoder's error is not the paper's: the smaller one
    paper = float((re.findall(r"train.paper_error = (.+)", experiment) or [0])[0])
    found = {
        r.name.rpartition("_")[2]: r
        for r in results_tables.records(INVERSES)
        if r.name.startswith(f"{leaf}_")
    }
    if len(found) < 2:
        pytest.skip(f"{leaf}: one of two records")
    errors = {name: record.forward("test_error") for name, record in found.items()}
    assert len({len(curve) for curve in errors.values()}) == 1, "equal epochs"
    closer = min(errors, key=lambda name: abs(min(errors[name]) - paper))
    assert f"inverse_activation = '{closer}'" in experiment
    assert f"results/inverses/{leaf}_{closer}" in experiment
