"""SDTP with auxiliary outputs (AO-SDTP), Bartunov et al. (2018)."""

import gin
import keras
import tensorflow as tf

from tp_keras.layers import Dense
from tp_keras.learners.sdtp import SDTP


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class AOSDTP(SDTP):
    """SDTP on an output o padded with fixed random features z of the layer below.

    h[L] = [o, z], target[L] = [label, z]; z has `auxiliary_units` features.
    """

    def __init__(
        self,
        network,
        objective,
        noise_stddev,
        auxiliary_units,
        inverse_activation="tanh",
        inverse="paired",
        reduction="sum",
        seed=0,
        name=None,
    ):
        self.auxiliary_units = auxiliary_units
        super().__init__(
            network, objective, noise_stddev, inverse_activation, inverse, reduction, seed, name
        )
        top = network.f[network.depth]
        self.auxiliary = Dense(auxiliary_units, "tanh", trainable=False, dtype=top.dtype_policy)
        self.auxiliary.build((None, *top.in_shape))

    def targets(self, a, h, y):
        L = self.depth
        z = self.auxiliary(h[L - 1])
        padded = {**h, L: tf.concat([h[L], z], -1)}
        target = super().targets(a, padded, tf.concat([y, z], -1))
        return {**target, L: y}

    def forward(self, l, h):
        out = super().forward(l, h)
        return tf.concat([out, self.auxiliary(h)], -1) if l == self.depth else out

    def get_config(self):
        return {**super().get_config(), "auxiliary_units": self.auxiliary_units}
