"""Installs tp_keras: deep networks that learn without backpropagation."""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "tp_keras/__init__.py").read_text())[1]
# Where the repository is published; PyPI's page links to its files there. Empty: nowhere yet
REPOSITORY = ""
NOWHERE = """
The pages and folders that are named here are in the source distribution, under "Download files".
"""

QUICKSTART = ["mlxtend"]
SEARCH = ["optuna>=4"]
REPORT = ["matplotlib>=3.8"]
# The documentation; mkdocs 2 will not read its plugins
DOCS = ["mkdocs>=1.6,<2", "mkdocs-material>=9.6", "mkdocstrings[python]>=1", "latex2mathml>=3.78"]
# .. and its tutorials as notebooks, and run
TUTORIALS = ["jupytext>=1.16", "nbclient>=0.10", "ipykernel"]
# A newer ruff may format differently, and what was checked in would fail
RUFF = "ruff>=0.17,<0.18"
# The wheel carries gin/ inside the package, folder by folder
GIN = {
    ".".join(("tp_keras", *folder.relative_to(HERE).parts)): str(folder.relative_to(HERE))
    for folder in [HERE / "gin", *sorted((HERE / "gin").iterdir())]
    if folder.is_dir()
}


def description() -> str:
    """The README with links that hold on a page outside the repository."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)]+)\)", _absolute, text)
    return text if REPOSITORY else text + NOWHERE


def _absolute(link):
    """A link of the README to a file beside it, as PyPI has to show it."""
    image, text, path = link.groups()
    if not (HERE / path.partition("#")[0]).exists():  # a formula such as g[l](h[l])
        return link[0]
    if not REPOSITORY:
        return "" if image else text
    return f"{image}[{text}]({REPOSITORY}/{'raw' if image else 'blob'}/v{VERSION}/{path})"


def addresses() -> dict[str, str]:
    """The links beside the description."""
    paper = {"Paper": "https://arxiv.org/abs/1807.04587"}
    if not REPOSITORY:
        return paper
    return {
        **paper,
        "Source": REPOSITORY,
        "Issues": f"{REPOSITORY}/issues",
        "Changelog": f"{REPOSITORY}/blob/v{VERSION}/CHANGELOG.md",
    }


setup(
    name="tp_keras",
    version=VERSION,
    author="The tp_keras authors",
    description="Target propagation and its rivals to backpropagation, in TensorFlow and Keras",
    long_description=description(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    url=REPOSITORY or None,
    project_urls=addresses(),
    keywords=[
        "biologically plausible learning",
        "credit assignment",
        "deep learning",
        "difference target propagation",
        "feedback alignment",
        "keras",
        "locally connected",
        "target propagation",
        "tensorflow",
        "without backpropagation",
    ],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: MacOS",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    packages=[*find_packages(include=["tp_keras", "tp_keras.*"]), *GIN],
    package_dir=GIN,
    package_data={
        "tp_keras": ["py.typed"],
        "tp_keras.report": ["paper/*.csv"],
        **{package: ["*.gin"] for package in GIN},
    },
    entry_points={"console_scripts": ["tp-keras = tp_keras.__main__:main"]},
    # The ceiling is TensorFlow's: 2.21 has wheels for Python 3.10 to 3.13
    python_requires=">=3.11,<3.14",
    install_requires=[
        "tensorflow>=2.21,<2.22",
        # `fit` on many devices overrides a semi-private method of Keras: learners/keras_trainer.py
        "keras>=3.15,<3.16",
        "tensorflow-datasets>=4.9.10",
        "importlib_resources",  # TFDS imports it to build a dataset but does not declare it
        "gin-config>=0.5",
        "absl-py>=2.1",
        "tensorboard>=2.20",
    ],
    extras_require={
        "quickstart": QUICKSTART,
        "search": SEARCH,
        "report": REPORT,
        "docs": [*QUICKSTART, *REPORT, *DOCS, *TUTORIALS],
        "test": [
            *QUICKSTART,
            *SEARCH,
            *REPORT,
            "build",
            "hypothesis",
            "pillow",
            "pytest>=8",
            "pytest-xdist",
            RUFF,
        ],
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
    },
)
