"""The wheel holds all that training needs, the source distribution the whole repository."""

import email
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

pytestmark = pytest.mark.xdist_group("package")  # one worker builds the wheel
REPOSITORY = pathlib.Path(__file__).parents[1]
BUILD = "import sys; from setuptools import build_meta as b; getattr(b, sys.argv[1])(sys.argv[2])"


def files_of_the_repository():
    """All that git would keep, tracked or not yet."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout: nothing to compare with")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return {name for name in done.stdout.splitlines() if (REPOSITORY / name).exists()}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The repository's files in another folder, since a build writes beside what it builds."""
    folder = tmp_path_factory.mktemp("copy")
    for name in files_of_the_repository():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((REPOSITORY / name).read_bytes())
    return folder


def built(copy, hook, pattern):
    """Builds a distribution; returns the path of its file."""
    command = [sys.executable, "-c", BUILD, hook, "dist"]
    subprocess.run(command, cwd=copy, capture_output=True, check=True)
    (file,) = (copy / "dist").glob(pattern)
    return file


@pytest.fixture(scope="module")
def wheel(copy):
    with zipfile.ZipFile(built(copy, "build_wheel", "*.whl")) as file:
        yield file


@pytest.fixture(scope="module")
def metadata(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def test_the_wheel_holds_the_package_and_every_experiment_file(wheel):
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    names = files_of_the_repository()
    gin_files = {f"tp_keras/{name}" for name in names if name.startswith("gin/")}
    code = {name for name in names if name.startswith("tp_keras/")}
    assert gin_files and "tp_keras/py.typed" in code
    assert held == gin_files | code


def test_the_wheel_has_the_program(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("/entry_points.txt"))
    assert "tp-keras = tp_keras.__main__:main" in wheel.read(name).decode()


def test_the_metadata_has_no_relative_link_and_names_the_versions_of_python(metadata):
    text = metadata.get_payload()
    assert "`target[l] = h[l] - g[l+1](h[l+1]) + g[l+1](target[l+1])`" in text
    links = re.findall(r"\]\(([^)]+)\)", re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S))
    assert "https://arxiv.org/abs/1807.04587" in links
    # Either they lead into the repository, or the page says where what it names is
    assert ("source distribution" in text) != any("/blob/" in link for link in links)
    assert all(re.match(r"https?:|#", link) for link in links), links
    assert set(metadata["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    for field in ("Author", "Keywords", "Classifier", "Project-URL"):
        assert metadata[field]


def test_the_source_distribution_is_the_repository(copy):
    with tarfile.open(built(copy, "build_sdist", "*.tar.gz")) as file:
        held = {member.name.split("/", 1)[1] for member in file.getmembers() if member.isfile()}
    made = {name for name in held if ".egg-info/" in name} | {"PKG-INFO", "setup.cfg"}
    assert held - made == files_of_the_repository()


def test_the_package_and_what_to_cite_have_one_version():
    places = {
        "tp_keras/__init__.py": r'^__version__ = "(.+)"',
        "CITATION.cff": r"^version: (.+)",
        "docs/citing.md": r"^  version = \{(.+)\}",
    }
    found = {re.search(p, (REPOSITORY / f).read_text(), re.M)[1] for f, p in places.items()}
    assert len(found) == 1, found
