"""Noise is a function of a key: of seed and step."""

import numpy as np
import rules
import tensorflow as tf

from tp_keras import keys
from tp_keras.noise import normal_like


class NoiseTest(tf.test.TestCase):
    def draw(self, seed=1, step=4, stddev=1.0, shapes=((6, 5), (6, 3, 4, 2), (6, 5))):
        tensors = [tf.zeros(shape) for shape in shapes]
        return normal_like(tensors, keys.key(seed, "noise", tf.constant(step, tf.int64)), stddev)

    def test_noise_has_the_shapes_of_the_tensors_and_is_a_function_of_the_key(self):
        first, second = self.draw(), self.draw()
        self.assertEqual([n.shape for n in first], [(6, 5), (6, 3, 4, 2), (6, 5)])
        for one, two in zip(first, second, strict=True):
            self.assertAllEqual(one, two)

    def test_differs_by_seed_by_step_and_by_tensor(self):
        here = self.draw()
        for other in (self.draw(seed=2), self.draw(step=5)):
            for one, two in zip(here, other, strict=True):
                self.assertFalse(np.any(one.numpy() == two.numpy()))
        self.assertFalse(np.any(here[0].numpy() == here[2].numpy()))

    def test_is_gaussian_of_the_deviation_asked_for(self):
        (noise,) = self.draw(stddev=0.3, shapes=[(200, 100)])
        # Of 20000 draws: mean 0 +- 0.0021, deviation 0.3 +- 0.0015, 68.27 % +- 0.33 % inside it
        self.assertAllClose(0, np.mean(noise), atol=0.01)
        self.assertAllClose(0.3, np.std(noise), atol=0.007)
        self.assertAllClose(0.6827, np.mean(np.abs(noise) < 0.3), atol=0.015)

    def test_replicas_draw_the_rows_of_the_global_batch(self):
        strategy = rules.two_replicas()
        halves = strategy.run(lambda: self.draw(shapes=[(3, 5), (3, 2, 4)]))
        whole = self.draw(shapes=[(6, 5), (6, 2, 4)])
        for half, rows in zip(halves, whole, strict=True):
            parts = strategy.experimental_local_results(half)
            self.assertAllEqual(rows, tf.concat(parts, 0))
            self.assertFalse(np.any(parts[0].numpy() == parts[1].numpy()))

    def test_moments_and_tails_are_those_of_a_gaussian(self):
        (noise,) = self.draw(shapes=[(500, 400)])
        draws = noise.numpy().ravel()
        # Of 200000 draws the deviations of these means are 0.0022, 0.022 and 0.00045
        self.assertAllClose(0, np.mean(draws**3), atol=0.04)
        self.assertAllClose(3, np.mean(draws**4), atol=0.1)
        self.assertAllClose(0.0455, np.mean(np.abs(draws) > 2), atol=0.002)

    def test_neighbours_and_halves_of_a_row_are_independent(self):
        (noise,) = self.draw(shapes=[(500, 400)])
        for one, other in ((noise[:, 1:], noise[:, :-1]), (noise[:, :200], noise[:, 200:])):
            for power in (1, 2):
                correlation = np.corrcoef(np.ravel(one) ** power, np.ravel(other) ** power)[0, 1]
                self.assertAllClose(0, correlation, atol=0.012)  # deviation 0.003 at the most

    def test_learner_draws_anew_at_every_step(self):
        learner = rules.compiled("sdtp", seed=1)
        x, y = rules.batch()
        h = rules.record(learner.network, x).h
        first, again = learner.noise(h), learner.noise(h)
        self.assertEqual(sorted(first), [2, 3, 4])
        for l, noise in first.items():
            self.assertEqual(noise.shape, h[l - 1].shape)
            self.assertAllEqual(noise, again[l])
        learner.train_on_batch(x, y)
        other_seed = rules.compiled("sdtp", seed=2).noise(h)
        for l, noise in learner.noise(h).items():
            self.assertFalse(np.any(noise.numpy() == first[l].numpy()))
            self.assertFalse(np.any(other_seed[l].numpy() == first[l].numpy()))
