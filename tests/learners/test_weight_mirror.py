"""The weight mirror."""

import keras
import numpy as np
import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import learners, objectives, schedules
from tp_keras.layers import Conv2D, Dense
from tp_keras.network import Network

NETWORKS = {
    "local": rules.local_network,
    "shared": lambda: rules.local_network(shared_weights=True),
    "dense": lambda: rules.local_network(local=[], dense=[12, 9]),
}


def network_of(layers, in_shape):
    keras.utils.set_random_seed(1)
    return Network(layers, in_shape)


def compiled(rate, eager=True, network=None):
    keras.utils.set_random_seed(1)
    network = network or rules.local_network()
    learner = learners.WeightMirror(network, objectives.SoftmaxCrossEntropy(), rate)
    learner.compile(keras.optimizers.SGD(0.5), run_eagerly=eager)
    return learner


def snapshot(weights):
    return [weight.numpy() for weight in weights]


def uses(layer):
    """How many outputs read each weight: of an image of ones and a kernel with a single one."""
    counts = np.zeros(layer.kernel.shape)
    for index in np.ndindex(*layer.kernel.shape):
        kernel = np.zeros(layer.kernel.shape, "float32")
        kernel[index] = 1
        counts[index] = np.sum(layer.linear(tf.ones((1, *layer.in_shape)), kernel))
    return counts


class WeightMirrorTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("local", "shared", "dense")
    def test_b_converges_to_the_weights_in_direction_and_in_size(self, kind):
        learner = compiled(rate=0.005, eager=False, network=NETWORKS[kind]())
        learner.set_phases("mirror")
        forward = snapshot(learner.network.weights)
        batches = tf.data.Dataset.from_tensors(rules.batch(size=64)).repeat(200)
        learner.fit(batches, shuffle=False, verbose=0)
        for old, weight in zip(forward, learner.network.weights, strict=True):
            self.assertAllEqual(old, weight)
        for l, B in learner.B.items():
            f = learner.network.f[l]
            read = f.backward_kernel(uses(f)) > 0  # the others read padding alone
            u, v = (tf.where(read, x, 0) for x in (f.backward_kernel(f.kernel), B.kernel))
            # A mean over 12,800 examples has an angle of sqrt(36 / 12,800) at 36 inputs, the most
            self.assertLess(rules.angle(u, v), np.degrees(2 * np.sqrt(36 / 12800)))
            self.assertBetween(np.linalg.norm(v) / np.linalg.norm(u), 0.95, 1.05)
            self.assertAllEqual(tf.boolean_mask(B.kernel, ~read), np.zeros(np.sum(~read)))

    def test_correlation_of_noise_and_response_is_the_transposed_kernel_on_average(self):
        """Each weight by itself, of a convolution whose border taps are used less often."""
        network = network_of(
            [Conv2D(2, 1), Conv2D(2, 3, 2, "tanh"), Dense(3, "softmax")], (4, 5, 1)
        )
        learner = compiled(rate=0.1, network=network)
        network.f[2].bias.assign([0.5, -0.5])
        counts = uses(network.f[2])
        self.assertNotEqual(counts.min(), counts.max())
        record, samples = rules.record(network, tf.zeros((4096, 4, 5, 1))), []
        for step in range(16):
            learner.mirror_optimizer.iterations.assign(step)
            samples.append(-learner.mirror(record).gradients[0])
        error = np.mean(samples, 0) - network.f[2].kernel
        deviation = np.std(samples, 0, ddof=1) / 4
        self.assertAllInRange(error / deviation, -5, 5)
        self.assertLess(deviation.max(), 0.01)  # weights are about .3: a wrong count would show

    def test_angle_is_the_one_that_the_rate_predicts(self):
        """The formula by which the gin files choose rates, at 500 inputs."""
        network = network_of([Dense(500), Dense(20), Dense(3, "softmax")], (1,))
        learner = compiled(rate=0.02, eager=False, network=network)
        learner.set_phases("mirror")
        batches = tf.data.Dataset.from_tensors(rules.batch(size=32, shape=(1,), classes=3))
        learner.fit(batches.repeat(250), shuffle=False, verbose=0)
        f, B = network.f[2], learner.B[2]
        angle = rules.angle(f.backward_kernel(f.kernel), B.kernel)
        predicted = np.degrees(np.arctan(np.sqrt(500 * 0.02 / 2 / 32)))
        self.assertAllClose(angle, predicted, atol=1.5)

    def test_first_step_replaces_all_of_b_and_a_late_one_its_rate(self):
        learner = compiled(rate=0.25)
        x, y = rules.batch()
        record = rules.record(learner.network, x)
        learner.set_phases("mirror")
        for step, share in enumerate((1, 1 / 2, 1 / 3, 1 / 4, 1 / 4)):
            before = {l: B.kernel.numpy() for l, B in learner.B.items()}
            _, gradients, _ = learner.mirror(record)
            learner.train_on_batch(x, y)
            for (l, B), gradient in zip(learner.B.items(), gradients, strict=True):
                expected = (1 - share) * before[l] - share * gradient
                self.assertAllClose(expected, B.kernel, atol=1e-6, msg=f"step {step}")

    def test_in_mixed_precision_it_correlates_in_bfloat16(self):
        network = rules.local_network("mixed_bfloat16", shared_weights=True)
        rounded = compiled(0.1, network=network)
        exact = compiled(0.1, network=rules.local_network(shared_weights=True))
        exact.network.set_weights(network.get_weights())
        x, _ = rules.batch()
        record = rules.record(network, x)
        (_, expected, _), (_, found, _) = exact.mirror(record), rounded.mirror(record)
        for one, other in zip(expected, found, strict=True):
            self.assertEqual(other.dtype, tf.float32)
            self.assertAllClose(one, other, atol=0.02)  # 8 bits of mantissa
            self.assertNotAllEqual(one, other)

    def test_feedback_does_not_change_in_the_forward_phase(self):
        learner = compiled(rate=0.1)
        learner.set_phases("forward")
        before = snapshot([B.kernel for B in learner.B.values()])
        learner.train_on_batch(*rules.batch())
        for old, B in zip(before, learner.B.values(), strict=True):
            self.assertAllEqual(old, B.kernel)

    def test_schedule_begins_with_an_epoch_of_the_mirror_phase_alone(self):
        learner, schedule = compiled(rate=0.1), schedules.Mirror()
        schedule.set_model(learner)
        phases = []
        for epoch in range(3):
            schedule.on_epoch_begin(epoch)
            phases.append(learner.phases)
        self.assertEqual(phases, [("mirror",), ("forward", "mirror"), ("forward", "mirror")])


if __name__ == "__main__":
    tf.test.main()
