"""Sign-symmetry."""

import numpy as np
import rules
import tensorflow as tf

from tp_keras import learners, objectives
from tp_keras.optimizers import Adam


class SignSymmetryTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.network = rules.local_network()
        self.learner = learners.SignSymmetry(self.network, objectives.SoftmaxCrossEntropy())
        self.learner.compile(Adam(0.1), run_eagerly=True)

    def test_signs_follow_the_weights_and_magnitudes_stay(self):
        signs = {l: np.sign(self.network.f[l].kernel) for l in self.learner.B}
        magnitudes = {l: np.abs(B.kernel) for l, B in self.learner.B.items()}
        for _ in range(5):
            self.learner.train_on_batch(*rules.batch())
        for l, magnitude in magnitudes.items():
            f, feedback = self.network.f[l], self.learner.feedback_kernel(l)
            self.assertAllEqual(np.sign(f.backward_kernel(f.kernel)), np.sign(feedback))
            self.assertAllEqual(magnitude, np.abs(feedback))
            self.assertTrue(np.any(signs[l] != np.sign(f.kernel)))  # else the test is void

    def test_with_the_magnitudes_of_the_weights_is_bp(self):
        x, y = rules.batch()
        expected = rules.forward_gradients(rules.compiled("bp", self.network), x, y)
        for l, B in self.learner.B.items():
            f = self.network.f[l]
            B.kernel.assign(-tf.abs(f.backward_kernel(f.kernel)))
        found = rules.forward_gradients(self.learner, x, y)
        for old, new in zip(expected, found, strict=True):
            self.assertAllClose(old, new, atol=1e-5)


if __name__ == "__main__":
    tf.test.main()
