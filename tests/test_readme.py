"""The README's code does what it says."""

import pathlib
import re
import tempfile

import gin
import keras
import numpy as np
import tensorflow as tf
from fakes import fake_images

from tp_keras import training
from tp_keras.report.cells import cells
from tp_keras.report.runs import read_runs
from tp_keras.report.tables import tables
from tp_keras.train import configure

README = pathlib.Path(__file__).parents[1] / "README.md"
RESULTS = README.parent / "results/mnist"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README.read_text(), re.S)


def block(start):
    """The one code block of the README that contains `start`."""
    (text,) = (text for _, text in BLOCKS if start in text)
    return text


def table_of_results():
    """The README's rows of Table 1 (a), made of the runs in results/."""
    table, *_ = tables(cells(read_runs(RESULTS).runs))
    lines = []
    for net, rows in table.sections.items():
        for method, train, train_paper, _, best, paper, difference, *rest in rows:
            _, last, epochs, _, seeds = rest
            row = [method, net, train, train_paper, best, last, paper, difference]
            lines += [f"| {' | '.join([*row, f'{epochs} x {seeds}'])} |"] if best else []
    return "\n".join(lines)


class ReadmeTest(tf.test.TestCase):
    def tearDown(self):
        gin.clear_config()
        super().tearDown()

    def test_the_python_example_runs(self):
        exec(block("import numpy as np\nimport tp_keras"), {})

    def test_its_table_says_what_the_results_say(self):
        self.assertIn(f"\n{table_of_results()}\n\n", README.read_text())

    def test_a_rule_is_added_as_the_worked_example_says(self):
        names = {}
        exec(block("class TBP(Learner)"), names)
        exec(block("def test_with_full_reach"), names)
        names["test_with_full_reach_it_is_backpropagation"]()

        run_dir = tempfile.mkdtemp()
        with tempfile.NamedTemporaryFile("w", suffix=".gin") as leaf, fake_images():
            leaf.write(block("TBP.reach = 2"))
            leaf.flush()
            configure([leaf.name], ["train.epochs = 2", f"train.run_dir = {run_dir!r}"])
            result = training.train()
        self.assertEqual(result["epochs"], 2)

        network = keras.saving.load_model(f"{run_dir}/network.keras")
        self.assertEqual(network.predict(np.zeros((2, 28, 28, 1)), verbose=0).shape, (2, 10))
