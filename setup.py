"""Installs tp_keras: deep networks that learn without backpropagation."""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "tp_keras/__init__.py").read_text())[1]

QUICKSTART = ["mlxtend"]
SEARCH = ["optuna>=4"]
REPORT = ["matplotlib>=3.8"]
# A newer ruff may format differently, and what was checked in would fail
RUFF = "ruff>=0.17,<0.18"

setup(
    name="tp_keras",
    version=VERSION,
    description="Target propagation and its rivals to backpropagation, in TensorFlow and Keras",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["tp_keras", "tp_keras.*"]),
    package_data={"tp_keras.report": ["paper/*.csv"]},
    python_requires=">=3.11",
    install_requires=[
        "tensorflow>=2.21,<2.22",
        # Multi-device `fit` overrides a semi-private method of Keras 3.15 (distributed_fit.py).
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
        "test": [*QUICKSTART, *SEARCH, *REPORT, "pillow", "pytest>=8", "pytest-xdist", RUFF],
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
    },
)
