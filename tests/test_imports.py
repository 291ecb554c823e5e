"""An import points only upward in BUILD.md's list of modules."""

import ast
import pathlib
import re

import pytest

REPOSITORY = pathlib.Path(__file__).parents[1]
PACKAGE = REPOSITORY / "tp_keras"
FREE = ("report/",)  # reads run folders, and is read by nothing
RULES = "learners/*"


def listed():
    """The modules in BUILD.md's order: `layers/conv` and its like, several on some lines."""
    text = (REPOSITORY / "BUILD.md").read_text()
    section = text.split("## Modules, in import order\n", 1)[1].split("\n## ", 1)[0]
    bullets = re.findall(r"^- ([^:\n]+)", section, re.M)
    return [name for bullet in bullets for name in re.findall(r"`([^`]+)`", bullet)]


def modules():
    """Every module's file by its name in the list; a package's `__init__` has none."""
    files = (path for path in PACKAGE.rglob("*.py") if path.stem not in ("__init__", "__main__"))
    return {str(path.relative_to(PACKAGE).with_suffix("")): path for path in files}


def imported(source):
    """The names of ours that a module imports, as dotted paths below `tp_keras`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.split(".", 1)[1] for name in names if name.startswith("tp_keras."))


def resolve(dotted, known):
    """The listed modules that importing `tp_keras.<dotted>` reaches."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        name = "/".join(parts[:end])
        if name in known:
            return [name]
        if (PACKAGE / name).is_dir():  # what a package exports, it takes from its modules
            exports = ast.parse((PACKAGE / name / "__init__.py").read_text())
            origin = {
                alias.asname or alias.name: node.module.split(".", 1)[1].replace(".", "/")
                for node in exports.body
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            }
            wanted = parts[end] if end < len(parts) else None
            return [origin[wanted]] if wanted in origin else sorted(set(origin.values()))
    return []


def place(name, order):
    """Index of a module in the list; the rules share one line, so that a new one adds none."""
    is_rule = name not in order and name.startswith("learners/")
    return order.index(RULES if is_rule else name)


def test_every_module_is_listed_once():
    order, found = listed(), [name for name in modules() if not name.startswith(FREE)]
    assert len(order) == len(set(order))
    missing = sorted(n for n in found if n not in order and not n.startswith("learners/"))
    gone = sorted(set(order) - set(found) - {RULES})
    assert not missing, f"add to BUILD.md, Modules, in import order: {', '.join(missing)}"
    assert not gone, f"BUILD.md lists modules that are not there: {', '.join(gone)}"


@pytest.mark.parametrize("name", sorted(name for name in modules() if not name.startswith(FREE)))
def test_imports_point_upward(name):
    order = listed()
    for dotted in imported(modules()[name].read_text()):
        for other in resolve(dotted, modules()):
            both_rules = place(other, order) == place(name, order) == order.index(RULES)
            allowed = place(other, order) < place(name, order) or both_rules
            assert allowed, f"{name} must not import {other}"


@pytest.mark.parametrize("name", sorted(name for name in modules() if name.startswith(FREE)))
def test_report_needs_no_tensorflow(name):
    """Tables and figures are drawn where nothing was trained."""
    source = modules()[name].read_text()
    for dotted in imported(source):
        assert dotted.startswith("report"), f"{name} imports {dotted}"
    assert not re.search(r"^\s*(import|from) (tensorflow|keras)\b", source, re.M)


def test_a_downward_import_is_found():
    source = (
        "from tp_keras import feedback\nfrom tp_keras.layers import Dense\nimport tp_keras.train"
    )
    found = list(imported(source))
    assert found == ["feedback", "layers.Dense", "train"]
    assert [resolve(one, modules()) for one in found] == [["feedback"], ["layers/dense"], ["train"]]
