"""Kolen-Pollack."""

import keras
import numpy as np
import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import learners, objectives
from tp_keras.optimizers import Adam


def compiled(optimizer, decay, eager=True):
    keras.utils.set_random_seed(1)
    network = rules.local_network()
    learner = learners.KolenPollack(network, objectives.SoftmaxCrossEntropy(), decay)
    learner.compile(optimizer, run_eagerly=eager)
    return learner


def differences(learner):
    """W - B^T by layer, laid out as B."""
    f = learner.network.f
    return {l: f[l].backward_kernel(f[l].kernel) - B.kernel for l, B in learner.B.items()}


class KolenPollackTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(keras.optimizers.SGD, Adam)
    def test_difference_of_w_and_b_falls_by_the_decay_each_step(self, optimizer):
        learner = compiled(optimizer(0.05), decay=0.1)
        for _ in range(4):
            before = differences(learner)
            learner.train_on_batch(*rules.batch())
            for l, difference in differences(learner).items():
                self.assertAllClose(0.9 * before[l], difference, atol=1e-6)

    def test_w_decays_as_b_does_and_nothing_is_copied(self):
        learner = compiled(keras.optimizers.SGD(0.0), decay=0.1)
        kernels = learner.kernels(learner.network.f) + learner.kernels(learner.B)
        before = [kernel.numpy() for kernel in kernels]
        learner.train_on_batch(*rules.batch())
        for old, kernel in zip(before, kernels, strict=True):
            self.assertAllClose(0.9 * old, kernel, atol=1e-6)

    def test_gradients_of_w_are_those_of_fa(self):
        learner = compiled(keras.optimizers.SGD(0.1), decay=0.1)
        x, y = rules.batch()
        fa = rules.compiled("fa", learner.network)
        fa.B = learner.B
        with tf.GradientTape() as tape:
            a, h = learner.network.activations(tf.constant(x))
        (_, gradients, _), *_ = learner.updates(tape, a, h, tf.constant(y))
        for old, new in zip(rules.forward_gradients(fa, x, y), gradients, strict=True):
            self.assertAllEqual(old, new)

    def test_angle_to_bp_goes_to_zero(self):
        learner = compiled(keras.optimizers.SGD(0.5), decay=0.02, eager=False)
        x, y = rules.batch()
        self.assertGreater(self.widest_angle(learner, x, y), 20)
        learner.fit(tf.data.Dataset.from_tensors((x, y)).repeat(300), shuffle=False, verbose=0)
        self.assertLess(self.widest_angle(learner, x, y), 3)

    def widest_angle(self, learner, x, y):
        a, h = learner.network.activations(tf.constant(x))
        bp = learners.BP(learner.network, learner.objective).deltas(a, h, y)
        found = learner.deltas(a, h, y)
        pairs = [(np.ravel(bp[l]), np.ravel(found[l])) for l in bp]
        cosines = [u @ v / np.linalg.norm(u) / np.linalg.norm(v) for u, v in pairs]
        return np.degrees(np.arccos(np.clip(cosines, -1, 1))).max()


if __name__ == "__main__":
    tf.test.main()
