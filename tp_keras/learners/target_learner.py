"""What the target-propagation rules share: learned inverses, and errors made of targets."""

import math

import keras
import tensorflow as tf

from tp_keras import feedback, keys
from tp_keras.learners.learner import Learner, global_batch_size, through
from tp_keras.noise import normal_like


class TargetLearner(Learner):
    """A rule that gives each hidden layer a target; its error is the distance to it.

    A subclass says what the targets are, and what the inverses reconstruct.

    Args:
      network: The `Network` that learns.
      objective: What its output learns.
      noise_stddev: Deviation of the noise on what an inverse is trained to rebuild, in units of
        activation (Table 4's sigma).
      inverse_activation: The nonlinearity of the inverses, "tanh" or "linear".
      inverse: The inverses' form, "paired", "wide" or "dense" (see `feedback.inverses`).
      reduction: How squared distances, local losses and inverse losses alike, are reduced over
        units: "sum" or "mean" (the paper does not say).
      seed: Seed of the noise, an integer.

    Raises:
      ValueError: If `noise_stddev` is negative or `reduction` neither.
    """

    auxiliary_units = 0

    def __init__(
        self,
        network,
        objective,
        noise_stddev,
        inverse_activation="tanh",
        inverse="paired",
        reduction="sum",
        seed=0,
        name=None,
    ):
        super().__init__(network, objective, name=name)
        if reduction not in ("sum", "mean"):
            raise ValueError(f"`reduction` must be 'sum' or 'mean', received {reduction!r}")
        if noise_stddev < 0:
            raise ValueError(f"`noise_stddev` must not be negative, received {noise_stddev}")
        self.noise_stddev, self.reduction, self.seed = noise_stddev, reduction, seed
        self.inverse_activation, self.inverse = inverse_activation, inverse
        self.g = self.inverses()
        self.phases = ("forward", "inverse")
        self.inverse_loss_metric = keras.metrics.Mean(name="inverse_loss")

    def inverses(self):
        """g[2..L], or those of them that the rule needs."""
        form, activation = self.inverse, self.inverse_activation
        return feedback.inverses(self.network, activation, form, self.auxiliary_units)

    def targets(self, a, h, y):
        """Targets of all layers, by layer 1..L, each shaped like what it is a target for."""
        raise NotImplementedError

    def reconstruction_target(self, clean, noisy):
        """What an inverse should make of the layer's response to `noisy`."""
        raise NotImplementedError

    def deltas(self, a, h, y):
        """The gradient of ||h[l] - target[l]||^2 with respect to a[l]."""
        f, target = self.network.f, self.targets(a, h, y)
        delta = {self.depth: self.output_delta(a, y)}
        for l in range(1, self.depth):
            error = self.per_unit(2.0 * (h[l] - target[l]), h[l])
            delta[l] = through(f[l].activation, a[l], error)
        return delta

    def per_unit(self, quantity, h):
        """Divides by the units of `h` where distances are means over units."""
        return quantity if self.reduction == "sum" else quantity / math.prod(h.shape[1:])

    def forward(self, l, h):
        """What g[l] reads when layer l reads `h`."""
        return self.network.f[l](h)

    def noise(self, h):
        """Gaussian noise for the input of every inverted layer l, shaped like h[l-1]."""
        key = keys.key(self.seed, "noise", self.inverse_optimizer.iterations.value)
        draws = normal_like([h[l - 1] for l in self.g], key, self.noise_stddev)
        return dict(zip(self.g, draws, strict=True))

    def inverse_losses(self, h):
        """Squared error of every inverse on corrupted input, by layer, each `(batch,)`."""
        losses, noise = {}, self.noise(h)
        for l, g in self.g.items():
            clean, noisy = h[l - 1], h[l - 1] + noise[l]
            rebuilt = g(tf.stop_gradient(self.forward(l, noisy)))
            loss = squared_norm(self.reconstruction_target(clean, noisy) - rebuilt)
            losses[l] = self.per_unit(loss, clean)
        return losses

    @property
    def inverse_weights(self):
        return [w for g in self.g.values() for w in g.trainable_variables]

    def inverse_update(self, h, y):
        """The triple that takes the inverses' weights down the mean of their losses."""
        weights = self.inverse_weights
        with tf.GradientTape() as tape:
            loss = tf.add_n(list(self.inverse_losses(h).values()))
            mean_loss = tf.reduce_sum(loss) / global_batch_size(y)
        self.inverse_loss_metric.update_state(loss)
        return self.inverse_optimizer, tape.gradient(mean_loss, [w.value for w in weights]), weights

    def updates(self, tape, a, h, y):
        deltas, applied = {}, []
        if "forward" in self.phases:
            deltas = self.deltas(a, h, y)
        # The inverses learn when all have read them, or TensorFlow copies what it writes to; and
        # before the network's gradients exist, for which there may be no room beside theirs
        if "inverse" in self.phases and self.g:  # DTP has none above a single hidden layer
            with tf.control_dependencies([tf.group(*deltas.values())]):
                update = self.inverse_update(h, y)
            yield update
            applied = [weight.value.read_value() for weight in self.inverse_weights]
        if "forward" in self.phases:
            with tf.control_dependencies([tf.group(*applied)]):
                update = self.forward_update(tape, a, y, deltas)
            yield update

    def compile(self, optimizer, inverse_optimizer, **options):
        """Sets the two optimizers, of the forward weights and of the inverses."""
        super().compile(optimizer, **options)
        self.inverse_optimizer = inverse_optimizer
        self.inverse_optimizer.build(self.inverse_weights)

    @property
    def metrics(self):
        return super().metrics + [self.inverse_loss_metric] * ("inverse" in self.phases)

    def evaluate(self, *args, **kwargs):
        phases, self.phases = self.phases, ()  # nothing of the inverses is measured
        try:
            return super().evaluate(*args, **kwargs)
        finally:
            self.phases = phases

    def get_config(self):
        names = ("noise_stddev", "inverse_activation", "inverse", "reduction", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def get_compile_config(self):
        inverse_optimizer = keras.saving.serialize_keras_object(self.inverse_optimizer)
        return {**super().get_compile_config(), "inverse_optimizer": inverse_optimizer}


def squared_norm(x):
    """||x||^2 of each example, summed over units, `(batch,)`."""
    return tf.reduce_sum(tf.reshape(tf.square(x), (tf.shape(x)[0], -1)), -1)
