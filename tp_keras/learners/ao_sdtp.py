"""SDTP with auxiliary outputs (AO-SDTP), Bartunov et al. (2018)."""

import tensorflow as tf

from tp_keras.layers import Dense
from tp_keras.learners.rule import rule
from tp_keras.learners.sdtp import SDTP
from tp_keras.scalars import whole


@rule("ao_sdtp")
class AOSDTP(SDTP):
    """SDTP on an output o padded with fixed random features z of the block below.

    h[L] = [o, z], target[L] = [label, z]; z has `auxiliary_units` features.
    """

    def __init__(
        self,
        network,
        objective=None,
        noise_stddev=None,
        auxiliary_units=None,
        inverse_activation="tanh",
        inverse="paired",
        reduction="sum",
        seed=0,
        inverses=None,
        name=None,
    ):
        self.auxiliary_units = units = whole("`auxiliary_units`", auxiliary_units, 1)
        options = (noise_stddev, inverse_activation, inverse, reduction, seed, inverses, name)
        super().__init__(network, objective, *options)
        top = network.f[network.depth]
        self.auxiliary = Dense(units, "tanh", trainable=False, dtype=top.dtype_policy)
        self.auxiliary.build((None, *network.shapes[network.depth - 1]))

    def targets(self, record, y):
        h, L, label = record.h, self.depth, self.output_target(y)
        z = self.auxiliary(h[L - 1])
        padded = {**h, L: tf.concat([h[L], z], -1)}
        return {**self.descend(padded, tf.concat([label, z], -1)), L: label}

    def forward(self, l, h):
        out = super().forward(l, h)
        return tf.concat([out, self.auxiliary(h)], -1) if l == self.depth else out

    def get_config(self):
        return {**super().get_config(), "auxiliary_units": self.auxiliary_units}
