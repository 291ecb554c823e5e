"""The tables of results/ say what the records beside them say."""

import importlib.util
import json
import pathlib

REPOSITORY = pathlib.Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location(
    "results_tables", REPOSITORY / "launch/results_tables.py"
)
results_tables = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(results_tables)


def test_every_table_is_made_of_its_records():
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
