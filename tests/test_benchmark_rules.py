"""The benchmarks can make every rule."""

import os
import pathlib

import gin
import tensorflow as tf

from benchmarks import table3
from tp_keras import learners

NO_RULES = ("Learner", "TargetLearner", "InverseLearner", "Update", "rule")
NAMES = [name for name in learners.__all__ if name not in NO_RULES]


class BenchmarkRulesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(os.chdir, os.getcwd())
        self.addCleanup(gin.clear_config)
        os.chdir(pathlib.Path(__file__).parents[1])  # where the benchmarks are started

    def test_every_rule_steps(self):
        batch = table3.batch("mnist_fc", 3)
        for name in NAMES:
            logs = table3.learner(name, "mnist_fc").train_step(batch)
            self.assertTrue(tf.math.is_finite(logs["loss"]), name)


if __name__ == "__main__":
    tf.test.main()
