"""What the rules with targets share: errors that are distances to them."""

import math

from tp_keras.learners.learner import Learner


class TargetLearner(Learner):
    """A rule that gives each hidden block a target; its error is the distance to it.

    Args:
      network: The `Network` that learns.
      objective: What its output learns, or None (see `Learner`).
      reduction: How squared distances are reduced over units: "sum" or "mean" (the paper does not
        say).

    Raises:
      ValueError: If `reduction` is neither.
    """

    def __init__(self, network, objective=None, reduction="sum", name=None):
        super().__init__(network, objective, name=name)
        if reduction not in ("sum", "mean"):
            raise ValueError(f"`reduction` must be 'sum' or 'mean', received {reduction!r:.60}")
        self.reduction = reduction

    def targets(self, record, y):
        """Targets of the hidden blocks, by number, each shaped like what it is a target for."""
        raise NotImplementedError

    def errors(self, record, y):
        """The gradient of ||h[l] - target[l]||^2 with respect to h[l]."""
        h, target = record.h, self.targets(record, y)
        error = {self.depth: self.output_error(record, y)}
        for l in range(1, self.depth):
            error[l] = record.scaled(self.per_unit(2.0 * (h[l] - target[l]), h[l]))
        return error

    def per_unit(self, quantity, h):
        """Divides by the units of `h` where distances are means over units."""
        return quantity if self.reduction == "sum" else quantity / math.prod(h.shape[1:])

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}
