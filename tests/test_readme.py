"""The code and the links of the README."""

import os
import pathlib
import re
import subprocess
import sys
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

import tp_keras

README = pathlib.Path(__file__).parents[1] / "README.md"
# As in a user's shell, where no log level of TensorFlow is set
ENVIRONMENT = {name: x for name, x in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README.read_text(), re.S)


def block(start):
    """The one code block of the README that contains `start`."""
    (text,) = (text for _, text in BLOCKS if start in text)
    return text


class ReadmeTest(tf.test.TestCase):
    def test_the_python_example_runs(self):
        exec(block("import numpy as np"), {})

    def test_the_lines_that_convert_a_keras_model_run(self):
        """On a smaller model than the one that they name, which takes a minute to compile."""
        layers = [keras.layers.Flatten(), keras.layers.Dense(4), keras.layers.Dense(10, "softmax")]

        def small_model(weights, input_shape, classes):
            return keras.Sequential([keras.Input(input_shape), *layers])

        names = {"keras": keras, "np": np, "tp_keras": tp_keras}
        with mock.patch.object(keras.applications, "MobileNetV2", small_model):
            exec(block("tp_keras.convert"), names)
        self.assertIs(type(names["model"].layers[-1]), keras.layers.Dense)

    def test_the_imports_of_the_example_print_nothing(self):
        """TensorFlow prints nothing where tp_keras is imported before it."""
        imports = block("import numpy as np").split("\n\nnetwork")[0]
        done = subprocess.run(
            [sys.executable, "-c", imports], cwd=README.parent, capture_output=True, env=ENVIRONMENT
        )
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_links_to_files_of_the_repository_exist(self):
        text = re.sub(r"```.*?```|`[^`]*`", "", README.read_text(), flags=re.S)
        links = re.findall(r"\]\((?!\w+:|#)([^)]+)\)", text)
        self.assertTrue(links)
        for link in links:
            self.assertTrue((README.parent / link.partition("#")[0]).exists(), link)
