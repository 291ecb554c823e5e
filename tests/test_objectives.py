"""Objectives: their losses, errors and targets."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from tp_keras.layers import Dense
from tp_keras.network import Network
from tp_keras.objectives import SoftmaxCrossEntropy, SquaredError

A = np.array([[0.5, -1.0, 2.0], [0.1, 0.3, -0.7]])
Y = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


class ObjectivesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(SoftmaxCrossEntropy, SquaredError)
    def test_delta_is_the_gradient_of_the_loss(self, objective):
        a = tf.constant(A)
        with tf.GradientTape() as tape:
            tape.watch(a)
            loss = objective().loss(a, tf.constant(Y))
        self.assertEqual(loss.shape, (2,))
        self.assertAllClose(tape.gradient(loss, a), objective().delta(a, Y), rtol=1e-12)

    def test_losses_equal_their_formulas(self):
        probability = np.exp(A) / np.exp(A).sum(-1, keepdims=True)
        expected = -np.log(probability[Y == 1])
        self.assertAllClose(expected, SoftmaxCrossEntropy().loss(A, Y), rtol=1e-12)
        self.assertAllClose(np.square(A - Y).sum(-1), SquaredError().loss(A, Y), rtol=1e-12)

    @parameterized.parameters((SoftmaxCrossEntropy, "softmax"), (SquaredError, "linear"))
    def test_error_vanishes_at_the_target(self, objective, activation):
        """Where the output is the target the gradient is zero."""
        target = objective().target(Y)
        with np.errstate(divide="ignore"):
            a = np.log(target) if activation == "softmax" else target
        self.assertAllClose(np.zeros_like(Y), objective().delta(np.maximum(a, -50), Y))

    def test_error_of_a_classifier_is_100_or_0(self):
        self.assertAllEqual([100.0, 0.0], SoftmaxCrossEntropy().error(A, Y))
        self.assertAllEqual(SquaredError().loss(A, Y), SquaredError().error(A, Y))

    def test_top5_error_is_100_where_five_classes_are_likelier(self):
        a = np.random.default_rng(0).normal(size=(40, 9))
        classes = np.arange(40) % 9
        rank = [np.argsort(-row).tolist().index(c) for row, c in zip(a, classes, strict=True)]
        objective = SoftmaxCrossEntropy(top5=True)
        found = objective.errors["top5_error"](tf.constant(a), tf.one_hot(classes, 9))
        self.assertAllEqual(100.0 * (np.array(rank) >= 5), found)
        self.assertEqual(list(SoftmaxCrossEntropy().errors), ["error"])
        config = keras.saving.serialize_keras_object(objective)
        self.assertTrue(keras.saving.deserialize_keras_object(config).top5)

    def test_a_network_that_does_not_fit_is_refused(self):
        def network(classes, activation="softmax"):
            return Network([Dense(classes, activation)], (4,))

        SoftmaxCrossEntropy(top5=True).check(network(6))
        SquaredError().check(network(3, "linear"))
        for objective, unfit, message in (
            (SoftmaxCrossEntropy(top5=True), network(5), "at least 6 classes: .* received 5"),
            (SoftmaxCrossEntropy(), network(6, "linear"), "is softmax, received linear"),
            (SquaredError(), network(6), "is linear, received softmax"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                objective.check(unfit)

    def test_errors_are_printed_in_their_unit(self):
        self.assertEqual(SoftmaxCrossEntropy().in_words(3.456), "error 3.46 %")
        self.assertEqual(SquaredError().in_words(23.456), "squared error 23.46")

    @parameterized.parameters(SoftmaxCrossEntropy, SquaredError)
    def test_serialises(self, objective):
        config = keras.saving.serialize_keras_object(objective())
        self.assertIs(type(keras.saving.deserialize_keras_object(config)), objective)
