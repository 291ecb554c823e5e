"""Imports run one way: a module imports from its own storey and those below."""

import ast
import pathlib
import sys

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "tp_keras"
# From the lowest up. Modules of one storey may import one another, and any below
STOREYS = (
    ("commands", "lines", "may_change", "scalars", "startup", "keys", "noise"),
    ("feedback_rules", "layers"),
    ("network", "record", "blocks", "feedback", "objectives", "optimizers"),
    ("learners",),
    ("schedules", "architectures", "diagnostics", "conversion"),
    ("data", "distribution"),
    ("experiment",),
    ("train", "search", "rules", "__main__"),
)
WITHOUT_LEARNERS = ("data", "distribution")
# The report imports itself and modules that import the standard library alone, so that it starts
# without TensorFlow; only its own command line imports the report
ALONE, BARE = "report", ("commands", "lines", "may_change")


def storey(part):
    return next(i for i, storey in enumerate(STOREYS) if part in storey)


def imports(path):
    """The dotted names that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts_imported(path):
    """The first names below `tp_keras` that a module imports."""
    return (name.split(".")[1] for name in imports(path) if name.startswith("tp_keras."))


def modules():
    """Every module but the package's own `__init__`, by the part of the package it belongs to."""
    files = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
    return [(path, path.relative_to(PACKAGE).with_suffix("").parts[0]) for path in files]


def test_every_part_is_in_a_storey():
    listed = {part for storey in STOREYS for part in storey} | {ALONE}
    assert listed == {part for _, part in modules()}


@pytest.mark.parametrize("path, part", modules(), ids=lambda value: getattr(value, "stem", None))
def test_no_module_imports_from_a_higher_storey(path, part):
    imported = set(parts_imported(path)) - {"__version__"}
    if part == ALONE:
        assert imported <= {ALONE, *BARE}
        return
    if part in BARE:
        assert {name.partition(".")[0] for name in imports(path)} <= sys.stdlib_module_names
    assert ALONE not in imported - ({ALONE} if part == "__main__" else set())
    too_high = [other for other in imported if storey(other) > storey(part)]
    assert not too_high
    if part in WITHOUT_LEARNERS:
        assert not imported & {"learners", "network", "feedback", "objectives"}


def test_no_import_within_a_function_hides_a_circular_one():
    for path, _ in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                inner = [n for n in ast.walk(node) if isinstance(n, ast.ImportFrom)]
                assert not [n for n in inner if n.module.startswith("tp_keras")] or (
                    path.stem in ("__main__", "commands")
                ), path
