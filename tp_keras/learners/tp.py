"""Target propagation (TP), Bengio (2014) and Lee et al. (2015)."""

import gin
import keras

from tp_keras.learners.target_learner import TargetLearner


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class TP(TargetLearner):
    """Targets descend from the label through learned inverses.

    target[l] = g[l+1](target[l+1])
    """

    def targets(self, a, h, y):
        g, L = self.g, self.depth
        target = {L: self.objective.target(y)}
        for l in reversed(range(1, L)):
            target[l] = g[l + 1](target[l + 1])
        return target

    def reconstruction_target(self, clean, noisy):
        return noisy
