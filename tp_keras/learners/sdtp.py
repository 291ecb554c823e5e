"""Simplified difference target propagation (SDTP), Bartunov et al. (2018)."""

import gin
import keras

from tp_keras.layers.transpose import difference
from tp_keras.learners.target_learner import TargetLearner


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class SDTP(TargetLearner):
    """Targets descend from the label, each corrected for the error of its inverse.

    target[l] = h[l] - g[l+1](h[l+1]) + g[l+1](target[l+1])
    """

    def targets(self, a, h, y):
        g, L = self.g, self.depth
        target = {L: self.objective.target(y)}
        for l in reversed(range(1, L)):
            target[l] = h[l] + difference(g[l + 1], target[l + 1], h[l + 1])
        return target

    def reconstruction_target(self, clean, noisy):
        return clean
