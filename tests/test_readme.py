"""The README's code does what it says."""

import os
import pathlib
import re
import subprocess
import sys

import tensorflow as tf

README = pathlib.Path(__file__).parents[1] / "README.md"
# As in a shell of the reader's: the tests' own silences TensorFlow
ENVIRONMENT = {name: x for name, x in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README.read_text(), re.S)


def block(start):
    """The one code block of the README that contains `start`."""
    (text,) = (text for _, text in BLOCKS if start in text)
    return text


class ReadmeTest(tf.test.TestCase):
    def test_the_python_example_runs(self):
        exec(block("import numpy as np"), {})

    def test_nothing_is_said_before_the_example_trains(self):
        """TensorFlow is silent where tp_keras is imported first, as the example does."""
        imports = block("import numpy as np").split("\n\nnetwork")[0]
        done = subprocess.run(
            [sys.executable, "-c", imports], cwd=README.parent, capture_output=True, env=ENVIRONMENT
        )
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_its_links_into_the_repository_lead_somewhere(self):
        text = re.sub(r"```.*?```|`[^`]*`", "", README.read_text(), flags=re.S)
        links = re.findall(r"\]\((?!\w+:|#)([^)]+)\)", text)
        self.assertTrue(links)
        for link in links:
            self.assertTrue((README.parent / link.partition("#")[0]).exists(), link)
