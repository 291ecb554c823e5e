"""Frozen hidden layers: the control that tells whether depth is used at all."""

import gin
import keras
import tensorflow as tf

from tp_keras.learners.learner import Learner


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class Frozen(Learner):
    """Hidden layers keep their initial weights, only the output layer learns.

    delta[l] = 0 below the output
    """

    def deltas(self, a, h, y):
        L = self.depth
        return {**{l: tf.zeros_like(a[l]) for l in range(1, L)}, L: self.output_delta(a, y)}
