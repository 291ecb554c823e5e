"""The README's code does what it says."""

import ast
import os
import pathlib
import re
import subprocess
import sys

import tensorflow as tf

from tp_keras.report.cells import cells
from tp_keras.report.runs import read_runs
from tp_keras.report.tables import tables

README = pathlib.Path(__file__).parents[1] / "README.md"
RESULTS = README.parent / "results/mnist"
# As in a shell of the reader's: the tests' own silences TensorFlow
ENVIRONMENT = {name: x for name, x in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README.read_text(), re.S)


def block(start):
    """The one code block of the README that contains `start`."""
    (text,) = (text for _, text in BLOCKS if start in text)
    return text


def table_of_results():
    """The README's rows of Table 1 (a), made of the runs in results/."""
    table, *_ = tables(cells(read_runs(RESULTS).runs))
    found = {"FC": [], "LC": []}
    for method, *texts in table.rows:
        method, convnet, _ = method.partition(", ConvNet")
        for net, part in (("FC", texts[:8]), ("LC", texts[8:])):
            train, train_paper, _, best, paper, difference, last, epochs = part
            if best:
                row = [method, "ConvNet" if convnet else net, train, train_paper]
                row += [best, last, paper, difference, epochs]
                found[net].append(f"| {' | '.join(row)} |")
    return "\n".join(found["FC"] + found["LC"])


class ReadmeTest(tf.test.TestCase):
    def test_the_python_example_runs(self):
        exec(block("import numpy as np"), {})

    def test_its_table_says_what_the_results_say(self):
        self.assertIn(f"\n{table_of_results()}\n\n", README.read_text())

    def test_the_rule_that_it_shows_is_the_example_s(self):
        """The same method, but for the decorators and the rest of the class."""

        def deltas(text):
            (found,) = (n for n in ast.walk(ast.parse(text)) if getattr(n, "name", "") == "deltas")
            return ast.dump(found)

        example = README.parent / "examples/tbp.py"
        self.assertEqual(deltas(block("class TBP(Learner)")), deltas(example.read_text()))

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
