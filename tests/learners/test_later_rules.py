"""The rules that are not in the paper, from their gin files."""

import pathlib

import gin
import keras
import rules
import tensorflow as tf
from absl.testing import parameterized
from saving import saved_and_loaded

from tp_keras.experiment import cli

REPOSITORY = pathlib.Path(__file__).parents[2]
LATER = ("frozen", "sign_symmetry", "kolen_pollack", "weight_mirror", "ldrl", "fixed_dtp")
TINY = {
    "mnist_fc": ["build.dense = [7, 6]"],
    "mnist_lc": ["build.local = [(3, 3, 2), (2, 4, 2)]", "build.dense = [6]"],
}


class LaterRulesTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        gin.clear_config()
        gin.add_config_file_search_path(REPOSITORY)
        self.addCleanup(gin.clear_config)

    def compiled(self, problem, rule):
        """The rule as its leaf has it, on a smaller network."""
        gin.parse_config_files_and_bindings([f"gin/{problem}_{rule}.gin"], TINY[problem])
        leaf = gin.get_bindings(cli.train)
        keras.utils.set_random_seed(1)
        network = leaf["network"](input_shape=(7, 5, 2), classes=5)
        learner = leaf["learner"](network=network, objective=leaf["objective"]())
        names = ("optimizer", "inverse_optimizer")
        learner.compile(**{name: leaf[name]() for name in names if name in leaf})
        return learner

    @parameterized.product(problem=list(TINY), rule=LATER)
    def test_leaf_trains_two_steps(self, problem, rule):
        learner = self.compiled(problem, rule)
        before = learner.network.f[learner.depth].kernel.numpy()
        learner.fit(tf.data.Dataset.from_tensors(rules.batch()).repeat(2), shuffle=False, verbose=0)
        self.assertNotAllEqual(before, learner.network.f[learner.depth].kernel)
        self.assertTrue(all(tf.reduce_all(tf.math.is_finite(w)) for w in learner.weights))

    @parameterized.parameters(*LATER)
    def test_saved_learner_goes_on_where_it_was(self, rule):
        learner = self.compiled("mnist_lc", rule)
        x, y = rules.batch()
        learner.train_on_batch(x, y)
        loaded = saved_and_loaded(self, learner)
        for model in (learner, loaded):
            model.train_on_batch(x, y)
        for old, new in zip(learner.weights, loaded.weights, strict=True):
            self.assertAllClose(old, new, atol=1e-6)


if __name__ == "__main__":
    tf.test.main()
