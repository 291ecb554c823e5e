"""Learning in bfloat16, and learning compiled by XLA."""

import keras
import numpy as np
import pytest
import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import architectures
from tp_keras.optimizers import Adam

SLOW = [name for name in rules.RULES if name not in ("bp", "sdtp")]  # each takes seconds


def clusters(examples, seed=0):
    """Five classes that a straight cut separates, as images 7x5x2."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(5, 7, 5, 2))
    labels = random.integers(0, 5, examples)
    x = centres[labels] + random.normal(size=(examples, 7, 5, 2))
    return x.astype("float32"), np.eye(5, dtype="float32")[labels]


def compiled(name, optimizer, network=None, **options):
    learner = rules.learner(name, network)
    optimizers = {"optimizer": optimizer()}
    if name in rules.TARGET_RULES:
        optimizers["inverse_optimizer"] = optimizer()
    learner.compile(**optimizers, **options)
    return learner


class Bfloat16Test(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("bp", "sdtp")
    def test_learns_with_float32_weights(self, name):
        self.assert_learns(name)

    @parameterized.parameters(*SLOW)  # whose steps test_learner.py compares with float32's
    @pytest.mark.slow
    def test_learns_with_float32_weights_by_every_rule(self, name):
        self.assert_learns(name)

    def assert_learns(self, name):
        keras.utils.set_random_seed(0)
        network = rules.local_network("mixed_bfloat16")
        learner = compiled(name, lambda: Adam(0.005), network)
        test = clusters(200, seed=1)
        first, _ = learner.evaluate(*test, verbose=0)
        data = tf.data.Dataset.from_tensor_slices(clusters(1024)).batch(32)
        learner.fit(data, epochs=5, verbose=0)
        last, error = learner.evaluate(*test, verbose=0)
        # FixedDTP's and the frozen network's hidden layers hardly learn in so few steps
        self.assertLess(last, 0.8 * first)
        self.assertLess(error, 50)  # 80 by chance
        for weight in learner.weights:
            self.assertNotEqual(weight.dtype, "bfloat16", weight.path)

    def test_gradients_are_those_of_float32_but_for_rounding(self):
        x, y = rules.batch(32)
        exact = rules.compiled("bp")
        rounded = rules.compiled("bp", rules.local_network("mixed_bfloat16"))
        rounded.network.set_weights(exact.network.get_weights())
        pairs = (rules.forward_gradients(learner, x, y) for learner in (exact, rounded))
        for one, other in zip(*pairs, strict=True):
            self.assertEqual(other.dtype, tf.float32)
            self.assertLess(tf.norm(one - other), 0.03 * tf.norm(one))  # 8 bits of mantissa


class XLATest(tf.test.TestCase, parameterized.TestCase):
    def assert_same_training(self, name, network):
        """XLA leads where the plain graph leads: noise is the same too."""
        x, y = rules.batch(8)
        data = tf.data.Dataset.from_tensors((x, y)).repeat(3)
        weights, start = [], None
        for jit_compile in (False, True):
            keras.utils.set_random_seed(0)
            learner = compiled(
                name, lambda: keras.optimizers.SGD(0.01), network(), jit_compile=jit_compile
            )
            start = learner.get_weights()
            learner.fit(data, verbose=0)
            weights.append(learner.get_weights())
        for plain, xla, old, weight in zip(*weights, start, learner.weights, strict=True):
            self.assertAllClose(plain, xla, atol=1e-4)  # XLA adds in another order
            if weight.trainable:
                self.assertNotAllEqual(old, xla)

    def test_trains_local_layers(self):
        self.assert_same_training("sdtp", rules.local_network)

    @parameterized.parameters(*SLOW)
    @pytest.mark.slow
    def test_trains_by_every_rule(self, name):
        self.assert_same_training(name, lambda: architectures.build((7, 5, 2), 5, dense=[6, 4]))

    def test_trains_by_backpropagation(self):
        self.assert_same_training("bp", lambda: architectures.build((7, 5, 2), 5, dense=[6]))


if __name__ == "__main__":
    tf.test.main()
