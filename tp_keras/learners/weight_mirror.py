"""Weight mirror, Akrout et al. (2019)."""

import keras

from tp_keras import keys
from tp_keras.learners.fa import FA
from tp_keras.learners.learner import Update, global_batch_size
from tp_keras.learners.mirroring import MeanThenMoving, correlation
from tp_keras.learners.rule import rule
from tp_keras.noise import normal_like
from tp_keras.scalars import real, whole


@rule("weight_mirror")
class WeightMirror(FA):
    """Feedback alignment whose B correlates what noise x of its own makes of every layer.

    B[l] += max(rate, 1/t) * (x a^T - B[l]),  a = A[l] x + b[l],  var x = 1,  mirror step t
    (Akrout et al., equation 7; ours: the decay, a for sigma(a), 1/t, the mean over shared uses)

    Args:
      rate: Share of B that a step replaces in the end. B lags 1/rate steps, at an angle of about
        atan(sqrt(n * rate / 2 / batch)) where a layer reads n inputs; its mean is W^T.
      seed: Seed of the noise, an integer.
    """

    declared_phases = ("forward", "mirror")
    optimizer_names = ("optimizer", "mirror_optimizer")

    def __init__(self, network, objective=None, rate=None, seed=0, name=None):
        super().__init__(network, objective, name=name)
        self.rate, self.seed = real("`rate`", rate, 0), whole("`seed`", seed)
        self.mirror_optimizer = keras.optimizers.SGD(MeanThenMoving(self.rate), weight_decay=1.0)
        self.mirror_optimizer.build([B.kernel for B in self.B.values()])

    def updates(self, record, y):
        forward = super().updates(record, y) if "forward" in self.phases else []
        return forward + ([self.mirror(record)] if "mirror" in self.phases else [])

    def mirror(self, record):
        key, gradients = keys.key(self.seed, "mirror", self.mirror_optimizer.iterations.value), []
        noise = normal_like([record.h[l - 1] for l in self.B], key, 1.0)
        for f, x in zip((self.network.f[l] for l in self.B), noise, strict=True):
            share = -f.preactivation(x) / global_batch_size(record)
            gradients.append(f.backward_kernel(correlation(f, x, share)))
        return Update(self.mirror_optimizer, gradients, [B.kernel for B in self.B.values()])

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
