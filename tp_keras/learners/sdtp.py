"""Simplified difference target propagation (SDTP), Bartunov et al. (2018)."""

from tp_keras.layers.transpose import difference
from tp_keras.learners.inverse_learner import InverseLearner
from tp_keras.learners.rule import rule


@rule("sdtp")
class SDTP(InverseLearner):
    """Targets descend from the label, each corrected for the error of its inverse.

    target[l] = h[l] - g[l+1](h[l+1]) + g[l+1](target[l+1])
    """

    needs_target = True

    def targets(self, record, y):
        return self.descend(record.h, self.output_target(y))

    def descend(self, h, output_target):
        g, L = self.g, self.depth
        target = {L: output_target}
        for l in reversed(range(1, L)):
            target[l] = h[l] + difference(g[l + 1], target[l + 1], h[l + 1])
        return target

    def reconstruction_target(self, clean, noisy):
        return clean
