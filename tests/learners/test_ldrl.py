"""DTP with the local difference reconstruction loss."""

import keras
import numpy as np
import rules
import tensorflow as tf

from tp_keras import learners, objectives


def compiled():
    keras.utils.set_random_seed(1)
    objective = objectives.SoftmaxCrossEntropy()
    learner = learners.LDRL(rules.local_network(), objective, 0.1, 0.1, "linear")
    learner.compile(keras.optimizers.SGD(0.1), inverse_optimizer=keras.optimizers.SGD(2.0))
    return learner


class LDRLTest(tf.test.TestCase):
    def test_loss_is_least_at_the_transposed_jacobian(self):
        learner = compiled()
        for f in learner.network.f.values():
            f.activation = keras.activations.linear  # its Jacobian is then its matrix
        x, _ = rules.batch(size=512)
        h = rules.record(learner.network, x).h
        self.assertEqual(sorted(learner.g), [2, 3])
        for l, g in learner.g.items():
            g.tie(learner.network.f[l])
        best = self.losses(learner, h)
        for l, g in learner.g.items():
            for factor in (0.8, 1.2):
                g.kernel.assign(factor * g.kernel)
                self.assertGreater(self.losses(learner, h)[l], best[l])
                g.tie(learner.network.f[l])

    def losses(self, learner, h):
        return {l: np.mean(loss) for l, loss in learner.inverse_losses(h).items()}

    def test_learning_lowers_the_loss_and_turns_errors_towards_bp(self):
        learner = compiled()
        x, y = rules.batch(size=64)
        record = rules.record(learner.network, x)
        h = record.h
        before, angles = self.losses(learner, h), self.angles(learner, record, y)
        learner.set_phases("inverse")
        learner.fit(tf.data.Dataset.from_tensors((x, y)).repeat(200), shuffle=False, verbose=0)
        for l, loss in self.losses(learner, h).items():
            self.assertLess(loss, before[l])
        for l, angle in self.angles(learner, record, y).items():
            self.assertGreater(angles[l], 45)
            self.assertLess(angle, 30)

    def angles(self, learner, record, y):
        """Angle to BP in degrees of the errors that pass an inverse, by layer."""
        bp = learners.BP(learner.network, learner.objective).errors(record, y)
        found = learner.errors(record, y)
        return {l: rules.angle(bp[l], found[l]) for l in (1, 2)}


if __name__ == "__main__":
    tf.test.main()
