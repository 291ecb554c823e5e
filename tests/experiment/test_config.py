"""Reading gin files: where they are found, what is refused, and every mistake in one line."""

import re
import sys

import gin
import pytest

import tp_keras.experiment.cli  # noqa: F401, whose parameters the experiments bind
from tp_keras.experiment import config

MACRO = "gin.macro.value"


@pytest.fixture(autouse=True)
def empty_folder(clean_gin, tmp_path, monkeypatch):
    """An empty working directory, and gin without bindings."""
    monkeypatch.chdir(tmp_path)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def refusal(files, settings=(), **options):
    """The one line that a configuration is refused by."""
    with pytest.raises(ValueError) as caught:
        config.configure(files, settings, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


def value(name):
    return gin.query_parameter(f"{name}/{MACRO}")


def test_a_file_that_is_not_in_the_working_directory_is_the_installed_one(caplog, capfd):
    config.configure(["gin/base.gin"], [])
    assert value("seed") == 0
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_a_file_in_the_working_directory_comes_before_the_installed_one(tmp_path):
    write(tmp_path / "gin/base.gin", "seed = 7")
    write(tmp_path / "leaf.gin", "include 'gin/base.gin'")
    config.configure(["leaf.gin"], [])
    assert value("seed") == 7


def test_a_missing_file_is_named_with_its_include_and_the_folders_searched(tmp_path):
    line = refusal(["gin/nope.gin"])
    assert line.startswith("--gin_file not found: gin/nope.gin; looked in ")
    assert str(tmp_path) in line and str(config.INSTALLED) in line
    leaf = write(tmp_path / "leaf.gin", "x = 1\ninclude 'gin/nope.gin'")
    assert refusal([leaf]).startswith(f"{leaf}, line 2: include not found: gin/nope.gin; looked in")


def test_an_include_is_read_at_its_place(tmp_path):
    write(tmp_path / "inner.gin", "a = 'inner'\nb = 'inner'\nc = 'inner'")
    leaf = "a = 'leaf'\nb = 'leaf'\ninclude 'inner.gin'\n\nb = (\n  'leaf')\nd = %b"
    write(tmp_path / "leaf.gin", leaf)
    config.configure(["leaf.gin"], ["c = 'setting'"])
    assert [value(name) for name in "abc"] == ["inner", "leaf", "setting"]


def test_a_file_gives_the_bindings_that_gin_reads_from_it(tmp_path):
    """For every construct of gin's grammar."""
    write(tmp_path / "a.gin", "x = 1\ninclude 'b.gin'\ninclude 'b.gin'\ny = 2")
    values = "z = {'k': [1, -2.5, (3,)], 's': 'a' 'b'}\nscope/w = @gin.singleton\nv = %z\n"
    block = "gin.singleton:\n  # in a block\n  constructor = @s/gin.singleton()\n"
    write(tmp_path / "b.gin", f"# note\n{values}\n{block}t = 1\n")
    config.configure(["a.gin"], ["u = None"])
    ours = gin.config_str()
    gin.clear_config()
    gin.parse_config_files_and_bindings(["a.gin"], ["u = None"])
    assert ours == gin.config_str()


@pytest.mark.parametrize(
    "text, words",
    [
        ("a = (1,", "a bracket is not closed"),
        ("a = '''b", "a string is not closed"),
        ("a = b", "'b' is not a value; strings need quotes"),
        ("a = ]", "Unable to parse value"),
        ("train.nope = 1", "nope"),
        ("a = @nope", "@nope"),
        ("a = {[1]: 2}", "unhashable"),
        ("a", "expected ':' or '='"),
        ("include 3", "file path"),
    ],
)
def test_a_mistake_names_its_file_and_line_or_the_setting(tmp_path, text, words):
    leaf = write(tmp_path / "leaf.gin", f"# note\nx = 1\n{text}\n")
    outer = write(tmp_path / "outer.gin", f"include '{leaf}'")
    line = refusal([outer])
    assert line.startswith(f"{leaf}, line 3: ") and words in line
    line = refusal(["gin/base.gin"], ["x = 1", text])
    assert line.startswith(f"setting {text!r}: ") and words in line


def test_a_macro_without_a_value_is_named(tmp_path):
    write(tmp_path / "leaf.gin", "x = [%nope, 1]")
    line = refusal(["leaf.gin"])
    assert line == "%nope stands for nothing: bind nope = ... in the experiment file"


def test_a_circular_include_is_refused(tmp_path):
    one, two = tmp_path / "one.gin", tmp_path / "two.gin"
    write(one, "include 'two.gin'")
    write(two, f"x = 1\ninclude '{one}'")
    assert refusal(["one.gin"]) == (
        f"two.gin, line 2: include {one} is circular: it is being read already"
    )


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "leaf.gin").write_bytes(b"a = '\xff'")
    assert refusal(["leaf.gin"]).startswith("leaf.gin cannot be read: ")


@pytest.mark.parametrize(
    "text",
    ["import written", "from written import x", "from __gin__ import dynamic_registration"],
)
def test_imports_are_refused_in_files_includes_and_settings(tmp_path, monkeypatch, text):
    monkeypatch.syspath_prepend(tmp_path)
    write(tmp_path / "written.py", "raise SystemExit('this was run')")
    write(tmp_path / "inner.gin", f"x = 1\n{text}")
    write(tmp_path / "leaf.gin", "include 'inner.gin'")
    for line, place in (
        (refusal(["inner.gin"]), "inner.gin, line 2: "),
        (refusal(["leaf.gin"]), "inner.gin, line 2: "),
        (refusal(["gin/base.gin"], [text]), f"setting {text!r}: "),
    ):
        assert line.startswith(place) and "--trust_gin_imports" in line
    assert "written" not in sys.modules


def test_trusted_imports_hold_for_the_rest_of_their_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    write(tmp_path / "trusted_module.py", "def double(number):\n    return 2 * number\n")
    text = "from __gin__ import dynamic_registration\nimport trusted_module\ninclude 'inner.gin'\n"
    write(tmp_path / "inner.gin", "x = 1")
    write(
        tmp_path / "leaf.gin", text + "trusted_module.double.number = 4\nd = @trusted_module.double"
    )
    config.configure(["leaf.gin"], [], trust=True)
    assert gin.query_parameter("trusted_module.double.number") == 4
    assert value("d").configurable.wrapper() == 8


def test_a_trusted_import_of_a_missing_module_is_one_line(tmp_path):
    write(tmp_path / "leaf.gin", "x = 1\nimport no_such_module")
    line = refusal(["leaf.gin"], trust=True)
    assert line == "leaf.gin, line 2: No module named 'no_such_module'"


def test_a_file_of_another_editor_is_read(tmp_path):
    text = "# é\r\nx = 1\r\ninclude 'gin/base.gin'\r\n"
    (tmp_path / "leaf.gin").write_bytes(b"\xef\xbb\xbf" + text.encode())
    config.configure(["leaf.gin"], [])
    assert (value("x"), value("seed")) == (1, 0)


@pytest.mark.parametrize(
    "path, words",
    [
        ("x" * 5000, "include cannot be read: x.*name too long"),
        (".", "include must be a file, and '.' is a folder"),
        ("long.gin", "long.gin cannot be read: it is longer than 1,000,000 bytes"),
        ("deep0.gin", "at most 1000 files can be included, at most 30 in one another"),
        ("twice0.gin", "at most 1000 files can be included"),
    ],
)
def test_what_cannot_be_included_is_named(tmp_path, path, words):
    (tmp_path / "long.gin").write_text("#" * 1_000_001)
    for n in range(400):
        (tmp_path / f"deep{n}.gin").write_text(f"include 'deep{n + 1}.gin'\n")
    for n in range(20):
        (tmp_path / f"twice{n}.gin").write_text(f"include 'twice{n + 1}.gin'\n" * 2)
    (tmp_path / "twice20.gin").write_text("x = 1\n")
    (tmp_path / "leaf.gin").write_text(f"include '{path}'\n")
    assert re.search(words, refusal(["leaf.gin"]))


def test_a_working_directory_that_is_gone_is_no_fault_of_the_program(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    config.configure(["gin/base.gin"], [])  # the installed one
    assert refusal(["leaf.gin"]).startswith("--gin_file cannot be read: leaf.gin (No such")
