"""Adam by TensorFlow's fused kernel."""

import keras
import numpy as np
import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import optimizers

SETTINGS = {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}


def textbook(gradients, form, decay=0.0):
    """Where five steps from zero lead, by Kingma & Ba (2015), algorithm 1.

    Weights decay as in AdamW, Loshchilov & Hutter (2019), algorithm 2 without a schedule.
    """
    w = m = v = 0.0
    b1, b2, epsilon = (SETTINGS[k] for k in ("beta_1", "beta_2", "epsilon"))
    for t, g in enumerate(gradients, start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        if form == "paper":
            step = m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + epsilon)
        else:
            step = m * np.sqrt(1 - b2**t) / (1 - b1**t) / (np.sqrt(v) + epsilon)
        w = w - SETTINGS["learning_rate"] * (step + decay * w)
    return w


class AdamTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(0)
        self.gradients = random.normal(size=(5, 3, 4)).astype("float32") * 1e-2

    def stepped(self, optimizer):
        variable = keras.Variable(tf.zeros((3, 4)))
        for gradient in self.gradients:
            optimizer.apply([tf.constant(gradient)], [variable])
        return variable.numpy()

    @parameterized.parameters("tensorflow", "paper")
    def test_is_the_textbooks(self, form):
        found = self.stepped(optimizers.Adam(**SETTINGS, epsilon_form=form))
        self.assertAllClose(textbook(self.gradients.astype("float64"), form), found, atol=1e-6)

    def test_decays_weights_as_adamw(self):
        found = self.stepped(optimizers.adam(**SETTINGS, weight_decay=3.0))
        expected = textbook(self.gradients.astype("float64"), "tensorflow", decay=3.0)
        self.assertAllClose(expected, found, atol=1e-6)

    def test_is_keras_adam(self):
        ours, theirs = optimizers.Adam(**SETTINGS), keras.optimizers.Adam(**SETTINGS)
        self.assertIsInstance(ours, keras.optimizers.Adam)
        self.assertAllClose(self.stepped(theirs), self.stepped(ours), atol=1e-7)
        for one, other in zip(ours.variables, theirs.variables, strict=True):
            self.assertAllClose(one, other, atol=1e-7)

    def test_epsilon_forms_differ(self):
        tensorflow, paper = (
            self.stepped(optimizers.Adam(**SETTINGS, epsilon_form=form))
            for form in ("tensorflow", "paper")
        )
        self.assertNotAllClose(tensorflow, paper, rtol=1e-2)

    def test_follows_a_schedule_of_learning_rates(self):
        decay = keras.optimizers.schedules.ExponentialDecay(0.02, 1, 0.5)
        ours, theirs = (
            self.stepped(adam(decay)) for adam in (optimizers.Adam, keras.optimizers.Adam)
        )
        self.assertAllClose(theirs, ours, atol=1e-6)  # 1 - beta_2^t cancels digits in float32

    def test_serialises(self):
        adam = optimizers.adam(**SETTINGS, epsilon_form="paper")
        config = keras.saving.serialize_keras_object(adam)
        loaded = keras.saving.deserialize_keras_object(config)
        self.assertIs(type(loaded), optimizers.Adam)
        self.assertEqual(loaded.get_config(), adam.get_config())
        self.assertEqual(loaded.epsilon_form, "paper")

    def test_on_two_devices_it_descends_the_sum_of_their_gradients(self):
        strategy, shares = rules.two_replicas(), [0.25, 0.75]
        with strategy.scope():
            optimizer, variable = optimizers.Adam(**SETTINGS), keras.Variable(tf.zeros((3, 4)))
            optimizer.build([variable])

        def step(gradient):
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            optimizer.apply([tf.gather(shares, replica) * gradient], [variable])

        for gradient in self.gradients:
            strategy.run(step, args=(tf.constant(gradient),))
        expected = textbook(self.gradients.astype("float64"), "tensorflow")
        for copy in strategy.experimental_local_results(variable.value):
            self.assertAllClose(expected, copy, atol=1e-6)

    def test_unknown_epsilon_form_is_refused(self):
        message = "`epsilon_form` must be 'tensorflow' or 'paper', received 'keras'"
        with self.assertRaisesRegex(ValueError, message):
            optimizers.Adam(0.1, epsilon_form="keras")
