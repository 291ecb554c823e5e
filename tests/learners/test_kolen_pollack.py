"""Kolen-Pollack."""

import keras
import keras_models
import numpy as np
import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import Network, convert, learners, objectives
from tp_keras.experiment import checkpoints
from tp_keras.optimizers import Adam


def compiled(optimizer, decay, eager=True, **options):
    keras.utils.set_random_seed(1)
    network = rules.local_network()
    learner = learners.KolenPollack(network, objectives.SoftmaxCrossEntropy(), decay, **options)
    learner.compile(optimizer, run_eagerly=eager)
    return learner


def feedback(learner):
    """B by layer, laid out as W."""
    return {l: learner.network.f[l].kernel + gap for l, gap in learner.gap.items()}


def followed(learner, optimizer, decay, x, y, steps):
    """W and B, by layer, after steps of equations 16 and 17, each with an optimizer of its own."""
    fa = rules.compiled("fa", learner.network)
    W = {w.path: w for w in learner.network.trainable_variables}
    decaying = {learner.network.f[l].kernel.path: l for l in learner.gap}
    B = {l: tf.Variable(kernel) for l, kernel in feedback(learner).items()}
    forward, backward = (optimizer(0.05) for _ in range(2))
    for _ in range(steps):
        for l, kernel in B.items():
            fa.B[l].kernel.assign(learner.network.f[l].backward_kernel(kernel))
        gradients = dict(zip(W, rules.forward_gradients(fa, x, y), strict=True))
        lost = {path: decay * tf.constant(W[path]) for path in decaying}
        lost_B = {l: decay * tf.constant(kernel) for l, kernel in B.items()}
        forward.apply(list(gradients.values()), list(W.values()))
        backward.apply([gradients[path] for path in decaying], [B[l] for l in decaying.values()])
        for path, l in decaying.items():
            W[path].assign_sub(lost[path])
            B[l].assign_sub(lost_B[l])
    return [w.numpy() for w in W.values()], {l: kernel.numpy() for l, kernel in B.items()}


class KolenPollackTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(keras.optimizers.SGD, Adam)
    def test_w_and_b_are_those_of_the_two_equations(self, optimizer):
        """Kernels without a B, and biases, do not decay."""
        x, y = rules.batch()
        learner, other = (compiled(optimizer(0.05), decay=0.1) for _ in range(2))
        W, B = followed(other, optimizer, 0.1, x, y, steps=4)
        for _ in range(4):
            learner.train_on_batch(x, y)
        for old, new in zip(W, learner.network.trainable_variables, strict=True):
            self.assertAllClose(old, new, atol=1e-6)
        for l, kernel in feedback(learner).items():
            self.assertAllClose(B[l], kernel, atol=1e-6)

    def test_initial_b_has_the_distribution_of_w_and_does_not_correlate_with_it(self):
        learner = compiled(keras.optimizers.SGD(0.1), decay=0.1)
        for l, B in feedback(learner).items():
            f = learner.network.f[l]
            limit = np.sqrt(6 / sum(f.fans))
            self.assertAllInRange(B, -limit, limit)
            self.assertGreater(np.abs(B).max(), 0.7 * limit)
            self.assertLess(np.abs(np.corrcoef(np.ravel(B), np.ravel(f.kernel))[0, 1]), 0.4)

    def test_with_an_exact_top_b_is_the_transpose_there_and_stays_it(self):
        """Block L - 1 then has backpropagation's error, the blocks below have not."""
        learner = compiled(keras.optimizers.SGD(0.1), decay=0.01, exact_top=True)
        x, y = rules.batch()
        for _ in range(3):
            learner.train_on_batch(x, y)
        record = rules.record(learner.network, x)
        bp = learners.BP(learner.network, learner.objective).errors(record, y)
        found = learner.errors(record, y)
        self.assertAllClose(bp[3], found[3], atol=1e-7)
        for l in (1, 2):
            self.assertNotAllClose(bp[l], found[l], atol=1e-3)
        copy = type(learner).from_config(learner.get_config())
        self.assertTrue(copy.exact_top)

    def test_b_takes_no_memory_but_its_difference_to_w(self):
        learner = compiled(Adam(0.1), decay=0.1)
        states = sum(len(v.shape) > 0 for v in checkpoints.state(learner))
        weights = len(learner.network.weights)
        self.assertEqual(states, 3 * weights + len(learner.gap))

    def test_angle_to_bp_goes_to_zero(self):
        learner = compiled(keras.optimizers.SGD(0.5), decay=0.02, eager=False)
        x, y = rules.batch()
        self.assertGreater(self.widest_angle(learner, x, y), 20)
        learner.fit(tf.data.Dataset.from_tensors((x, y)).repeat(300), shuffle=False, verbose=0)
        self.assertLess(self.widest_angle(learner, x, y), 3)

    def widest_angle(self, learner, x, y):
        record = rules.record(learner.network, x)
        bp = learners.BP(learner.network, learner.objective).errors(record, y)
        found = learner.errors(record, y)
        return max(rules.angle(bp[l], found[l]) for l in bp)


if __name__ == "__main__":
    tf.test.main()


def test_converted_layers_decay_as_blocks_do():
    """W - B falls by (1 - decay) a step in a model that was converted, in one piece."""
    model = convert(keras_models.tiny(), "kolen_pollack")
    learner = learners.KolenPollack(Network.of(model, at=()), decay=0.1)
    learner.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", run_eagerly=True)
    found = keras_models.feedbacks(learner.network.f[1])
    before = [layer.kernel - layer.B for layer in found]
    for _ in range(2):
        learner.train_on_batch(*keras_models.batch())
    assert len(found) == 3
    for layer, gap in zip(found, before, strict=True):
        np.testing.assert_allclose(layer.kernel - layer.B, 0.9**2 * gap, atol=1e-6)
