"""Target propagation (TP), Bengio (2014) and Lee et al. (2015)."""

from tp_keras.learners.inverse_learner import InverseLearner
from tp_keras.learners.rule import rule


@rule("tp")
class TP(InverseLearner):
    """Targets descend from the label through learned inverses.

    target[l] = g[l+1](target[l+1])
    """

    needs_target = True

    def targets(self, record, y):
        g, L = self.g, self.depth
        target = {L: self.output_target(y)}
        for l in reversed(range(1, L)):
            target[l] = g[l + 1](target[l + 1])
        return target

    def reconstruction_target(self, clean, noisy):
        return noisy
