"""The documentation: its code runs, its tables agree with the records, its ledger with the code."""

import ast
import base64
import importlib.util
import json
import pathlib
import re
import statistics
import subprocess
import sys

import keras
import pytest

from tp_keras import learners
from tp_keras.rules import describe_rules

REPOSITORY = pathlib.Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
PACKAGE = REPOSITORY / "tp_keras"
PAGES = sorted([DOCS / "tour.md", *(DOCS / "howto").glob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
DOCUMENTED = "_exit"  # of `os`, which documents it
# What Keras calls, and a subclass may override; private names among them are Keras' own
OVERRIDABLE = (keras.Model, keras.optimizers.Adam, keras.callbacks.Callback)
KERAS_OWN = dir(keras.Model())  # with what Keras itself keeps on a model


def hook(name):
    """A module of docs/hooks."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"hooks/{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "page", [page for page in PAGES if BLOCK.search(page.read_text())], ids=lambda page: page.stem
)
def test_the_code_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": f"docs_{page.stem}"}
    monkeypatch.setitem(sys.modules, names["__name__"], sys)  # classes look up their module
    for block in BLOCK.findall(page.read_text()):
        exec(compile(block, page.name, "exec"), names)


def test_the_start_page_has_the_readme_s_example():
    (example,) = BLOCK.findall((DOCS / "index.md").read_text())
    assert example in (REPOSITORY / "README.md").read_text()


def rows(table):
    """Cells of the lines of a Markdown table, links as their text, without its head."""
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [
        [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", x.strip()) for x in r.split("|")[1:-1]] for r in lines
    ]


def test_table_1a_agrees_with_the_records():
    names = {"ao_sdtp": "AO-SDTP"}
    found = {(method, net): line for method, net, *line in rows(hook("results").table("mnist"))}
    groups = {}
    for path in (REPOSITORY / "results/mnist").glob("*/*/result.json"):
        run = json.loads(path.read_text())
        method = names.get(run["method"], run["method"].upper())
        method += f", {run['schedule']}" if run["schedule"] else ""
        net = {"fc": "FC", "lc": "LC", "conv": "ConvNet"}[run["architecture"]]
        groups.setdefault((method, net), []).append(run)
    assert set(groups) == set(found)
    for cell, runs in groups.items():
        train, _, best, last, paper, difference, length, state = found[cell]
        for shown, field in (
            (train, "final_train_error"),
            (best, "best_test_error"),
            (last, "final_test_error"),
        ):
            values = [run[field] for run in runs]
            spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
            assert shown == f"{statistics.fmean(values):.2f}{spread}", cell
        gap = statistics.fmean(run["best_test_error"] for run in runs) - float(paper)
        assert difference == f"{gap:+.2f}"
        assert length == f"{runs[0]['epochs']} x {len(runs)}"
        assert state.startswith("measured" if runs[0]["epochs"] >= 500 else "partly")


def test_of_a_pair_of_inverses_the_tables_show_the_one_that_the_experiment_file_takes():
    results = hook("results")
    lines = rows(results.table("cifar10"))
    (cell,) = (line for line in lines if line[:2] == ["SDTP, parallel", "LC"])
    leaf = (REPOSITORY / "gin/cifar10_lc_sdtp_parallel.gin").read_text()
    (activation,) = re.findall(r"SDTP.inverse_activation = '(\w+)'", leaf)
    folder = REPOSITORY / f"results/inverses/cifar10_lc_sdtp_parallel_{activation}"
    run = json.loads((folder / "result.json").read_text())
    assert cell[4] == f"{run['best_test_error']:.2f}" or run["epochs"] < int(cell[8].split()[0])
    (line,) = (line for line in rows(results.measured("sdtp")) if "autoencoder" in line[0])
    assert "squared error" in line[0]


def test_a_run_of_other_settings_than_its_experiment_file_is_shown_by_its_own_name(
    tmp_path, monkeypatch
):
    """FA at another rate, trained for longer, is not the paper's cell of FA."""
    record = json.loads((REPOSITORY / "results/mnist/mnist_fc_fa/0/result.json").read_text())
    record |= {"dataset": "cifar10", "architecture": "lc", "train_examples": 50_000}
    for name, error, epochs in (("cifar10_lc_fa", 70.0, 4), ("cifar10_lc_fa+rate_of_bp", 60.0, 9)):
        folder = tmp_path / "results" / name / "0"
        folder.mkdir(parents=True)
        result = record | {"best_test_error": error, "epochs": epochs, "asked_epochs": epochs}
        (folder / "result.json").write_text(json.dumps(result))
        (folder / "operative.gin").write_text(f"adam.learning_rate = {epochs}\n")
    results = hook("results")
    monkeypatch.setattr(results, "REPOSITORY", tmp_path)
    (cell,) = (line for line in rows(results.table("cifar10")) if line[:2] == ["FA", "LC"])
    assert cell[4] == "70.00"
    shown = [(line[0], line[3]) for line in rows(results.measured("fa"))]
    assert shown == [("CIFAR-10, LC", "70.00"), ("CIFAR-10, LC, rate of bp", "60.00")]


def test_a_table_has_no_column_without_an_entry():
    table = hook("results").markdown_table(["a", "b", "c"], [["1", "-", ""], ["2", "", "3"]])
    assert table.splitlines() == ["| a | c |", "| --- | --- |", "| 1 |  |", "| 2 | 3 |"]


def test_cells_without_a_run_are_marked_not_measured():
    results = hook("results")
    assert results.measured("a_rule_without_runs") == results.NOTHING
    runs = {path.parent.parent.name for path in (REPOSITORY / "results").glob("*/*/*/result.json")}
    measured = {name for name in runs if name.startswith("imagenet_")}
    states = [line[-1] for line in rows(results.table("imagenet2012"))]
    assert len(states) == 6 and (states == ["not measured"] * 6 or measured)


def test_every_rule_has_a_page_with_its_picture_its_code_and_its_numbers():
    pictures = hook("pictures")
    for name in describe_rules():
        module = getattr(learners, name).__module__.rpartition(".")[2]
        page = (DOCS / f"rules/{module}.md").read_text()
        assert f"<!-- picture: {module} -->" in page and module in pictures.PATHS
        assert f"--8<--\ntp_keras/learners/{module}.py\n" in page
        assert f"<!-- measured: {module} -->" in page
        assert f"[tp_keras.learners.{name}]" in page
        command = re.search(r"--gin_file=(\S+)", page)
        assert f"@{name}" in "".join(
            path.read_text() for path in included(REPOSITORY / command[1])
        ), page


def included(leaf):
    """A gin file, and those that it includes."""
    yield leaf
    for path in re.findall(r"^include '(.*)'", leaf.read_text(), re.M):
        yield from included(REPOSITORY / path)


def test_an_exported_symbol_without_docstring_is_found(tmp_path):
    griffe = pytest.importorskip("griffe")
    (tmp_path / "bare").mkdir()
    text = (
        '"""A package."""\n\n__all__ = ["f", "g"]\n\n\ndef f():\n    """It."""\n\n\ndef g(): ...\n'
    )
    (tmp_path / "bare/__init__.py").write_text(text)
    package = griffe.load("bare", search_paths=[str(tmp_path)])
    assert hook("api").without_docstring(package) == ["bare.g"]


def test_the_api_has_every_exported_name():
    griffe = pytest.importorskip("griffe")
    package = griffe.load("tp_keras", search_paths=[str(REPOSITORY)])
    shown = re.findall(r"^(?:::: |## )tp_keras\.(?:.*\.)?(\w+)$", hook("api").page(package), re.M)
    assert set(package.exports) <= set(shown)
    assert "tp_keras.conversion.convert.convert" in hook("api").page(package)


def test_a_returned_value_without_a_name_has_no_dash():
    pytest.importorskip("griffe")
    item = '<li class="doc-section-item field-body">{}<div>A `Record`.</div>'
    assert hook("api").on_page_content(item.format("\n  –\n ")) == item.format("")


def test_code_in_a_line_breaks_between_names_and_not_within_an_option():
    block = "<pre><code>--run_dir=a/b</code></pre>"
    line = "<code>--run_dir=a/b.c -- a_name_of_many_letters</code>"
    assert hook("code").on_post_page(f"{block} {line}") == (
        f'{block} <code><span class="option">--run_dir</span>=<wbr>a/<wbr>b.<wbr>c -- '
        "a_<wbr>name_<wbr>of_<wbr>many_<wbr>letters</code>"
    )


def test_formulas_in_docstrings_are_no_markdown():
    pytest.importorskip("griffe")
    readable = hook("formulas").readable
    assert readable("target[l] = g[l+1](target[l+1])\nas said") == (
        "```text\ntarget[l] = g[l+1](target[l+1])\n```\n\nas said"
    )
    assert readable("B[l](y) of `B[l]`, <x, y>") == r"B\[l\](y) of `B[l]`, &lt;x, y>"


def test_formulas_become_mathml_with_their_numbers():
    pytest.importorskip("latex2mathml")
    found = hook("maths").on_page_content(r'<div class="arithmatex">\[x_l &lt; 1 \tag{2}\]</div>')
    assert "<math" in found and "<span>(2)</span>" in found and "tag" not in found


def test_primes_and_tildes_of_formulas_are_signs_of_their_own():
    pytest.importorskip("latex2mathml")
    formula = r'<span class="arithmatex">\(\sigma\'(a) \sim N\)</span>'
    found = hook("maths").on_page_content(formula)
    assert "<mo>'</mo>" in found and "<mo>&#x0223C;</mo>" in found


def test_the_bars_of_a_norm_are_as_high_as_each_other():
    pytest.importorskip("latex2mathml")
    formula = r'<span class="arithmatex">\(\lVert a\rVert_2^2 + \left\lVert b\right\rVert\)</span>'
    bars = re.findall(r"<mo([^>]*)>&#x02016;", hook("maths").on_page_content(formula))
    assert len(bars) == 4 and all('stretchy="true"' in bar for bar in bars)


def private_names():
    """Private names of other libraries in the code, with the files that have them."""
    trees = {path: ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}
    ours, found = set(), set()
    for node in (node for tree in trees.values() for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            ours.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            ours.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own = getattr(node.value, "id", None) == "self" and node.attr not in KERAS_OWN
            ours |= {node.attr} if own else set()
    overridden = {name for base in OVERRIDABLE for name in dir(base)}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            name = getattr(node, "attr", getattr(node, "name", None))
            if not name or not re.match(r"_[a-z]", name) or name == DOCUMENTED:
                continue
            reads = isinstance(node, ast.Attribute) and name not in ours
            overrides = isinstance(node, ast.FunctionDef) and name in overridden
            if reads or overrides:
                found.add((name, str(path.relative_to(PACKAGE))))
    return found


def test_the_ledger_of_private_names_lists_those_that_the_code_uses():
    text = (DOCS / "private.md").read_text()
    ledger = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| `")]
    listed = {
        (name, file)
        for names, _, files, _, _ in ledger
        for name in re.findall(r"`(_[a-z]\w*)`", names)
        for file in re.findall(r"`(.*?)`", files)
    }
    assert listed == private_names()


def test_every_test_that_the_ledger_names_is_there():
    for path, name in re.findall(
        r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (DOCS / "private.md").read_text()
    ):
        assert not name or f"def {name}(" in (REPOSITORY / path).read_text(), path
        assert (REPOSITORY / path).exists(), path


def test_every_tutorial_is_a_notebook_of_valid_cells():
    pytest.importorskip("jupytext")
    tutorials = hook("tutorials")
    assert len(tutorials.scripts()) >= 6
    for script in tutorials.scripts():
        cells = tutorials.notebook_of(script).cells
        assert cells[0].source.startswith("# ") and cells[0].cell_type == "markdown", script
        for cell in cells:
            if cell.cell_type == "code":
                ast.parse(cell.source)
            if "plt.show()" in cell.source:
                assert cell.source.startswith("# "), f"{script}: a figure without description"


def test_a_figure_of_a_tutorial_has_a_description_and_a_size_to_read_it_at():
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("jupytext")
    header = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + b"IHDR" + (500).to_bytes(4) * 2
    data = {"image/png": base64.b64encode(header).decode()}
    output = nbformat.v4.new_output("display_data", data=data)
    cell = nbformat.v4.new_code_cell("# Errors over epochs\nplt.show()", outputs=[output])
    _, figure, _ = hook("tutorials").outputs(cell, "x-1")
    assert figure == '![Errors over epochs](x-1-0.png){ style="min-width: 350px" }'


@pytest.mark.slow
def test_the_site_builds_strictly_and_loads_nothing_from_a_network(tmp_path):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text()
        loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"?([^\s\">]+)", text)
        assert not [address for address in loaded if re.match(r"(?:https?:)?//", address)], page
        assert "arithmatex" not in text and "--8<--" not in text, page
