"""The weight mirror."""

import keras
import numpy as np
import rules
import tensorflow as tf

from tp_keras import learners, objectives, schedules


def compiled(rate, eager=True):
    keras.utils.set_random_seed(1)
    network = rules.local_network()
    learner = learners.WeightMirror(network, objectives.SoftmaxCrossEntropy(), rate)
    learner.compile(keras.optimizers.SGD(0.5), run_eagerly=eager)
    return learner


def snapshot(weights):
    return [weight.numpy() for weight in weights]


class WeightMirrorTest(tf.test.TestCase):
    def test_mirror_learns_the_weights_of_dense_and_local_layers(self):
        learner = compiled(rate=0.02, eager=False)
        before = self.angles(learner)
        learner.enter("mirror")
        forward = snapshot(learner.network.weights)
        batches = tf.data.Dataset.from_tensors(rules.batch(size=64)).repeat(200)
        learner.fit(batches, shuffle=False, verbose=0)
        for old, weight in zip(forward, learner.network.weights, strict=True):
            self.assertAllEqual(old, weight)
        for l, angle in self.angles(learner).items():
            self.assertGreater(before[l], 45)
            self.assertLess(angle, 10)

    def angles(self, learner):
        """Angle between W and B^T in degrees, by layer, over weights that read no padding."""
        found = {}
        for l, B in learner.B.items():
            f = learner.network.f[l]
            read = tf.ones((1, *f.in_shape))
            with tf.GradientTape() as tape:
                a = f.preactivation(read)
            reached = tape.gradient(a, f.kernel.value) > 0
            kernel = tf.where(reached, f.kernel, 0.0)
            mirrored = tf.where(f.backward_kernel(reached), B.kernel, 0.0)
            u, v = np.ravel(f.backward_kernel(kernel)), np.ravel(mirrored)
            found[l] = np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))
        return found

    def test_step_is_the_decayed_correlation_of_noise_and_response(self):
        learner = compiled(rate=0.25)
        x, y = rules.batch()
        before = {l: B.kernel.numpy() for l, B in learner.B.items()}
        _, h = learner.network.activations(tf.constant(x))
        _, gradients, _ = learner.mirror(h, tf.constant(y))
        learner.enter("mirror")
        learner.train_on_batch(x, y)
        for (l, B), gradient in zip(learner.B.items(), gradients, strict=True):
            self.assertAllClose(0.75 * before[l] - 0.25 * gradient, B.kernel, atol=1e-6)

    def test_feedback_rests_while_the_network_learns_alone(self):
        learner = compiled(rate=0.1)
        learner.enter("forward")
        before = snapshot([B.kernel for B in learner.B.values()])
        learner.train_on_batch(*rules.batch())
        for old, B in zip(before, learner.B.values(), strict=True):
            self.assertAllEqual(old, B.kernel)

    def test_schedule_begins_with_the_mirror_alone(self):
        learner, schedule = compiled(rate=0.1), schedules.Mirror()
        schedule.set_model(learner)
        phases = []
        for epoch in range(3):
            schedule.on_epoch_begin(epoch)
            phases.append(learner.phases)
        self.assertEqual(phases, [("mirror",), ("forward", "mirror"), ("forward", "mirror")])


if __name__ == "__main__":
    tf.test.main()
