"""What the rules with learned inverses share: noise, what inverses descend, and when."""

import contextlib

import keras
import tensorflow as tf

from tp_keras import feedback, keys
from tp_keras.learners.compiling import is_optimizer
from tp_keras.learners.learner import Update, global_batch_size
from tp_keras.learners.target_learner import TargetLearner
from tp_keras.noise import normal_like
from tp_keras.scalars import real, whole


class InverseLearner(TargetLearner):
    """A rule whose targets descend through inverses g[l], which learn from noise.

    A subclass says what the targets are, and what the inverses reconstruct.

    Args:
      network: The `Network` that learns.
      objective: What its output learns, or None (see `Learner`).
      noise_stddev: Deviation of the noise on what an inverse is trained to rebuild, in units of
        activation (Table 4's sigma).
      inverse_activation: The nonlinearity of the inverses, "tanh" or "linear".
      inverse: The form of affine blocks' inverses, "paired", "wide" or "dense" (see
        `feedback.inverses`).
      reduction: How squared distances, local losses and inverse losses alike, are reduced over
        units: "sum" or "mean" (the paper does not say).
      seed: Seed of the noise, an integer.
      inverses: Layers to take for g[l], any Keras layer or model, by number of the block.

    Raises:
      ValueError: If `noise_stddev` is negative or not given, or another setting is out of range.
    """

    auxiliary_units = 0
    declared_phases = ("forward", "inverse")
    optimizer_names = ("optimizer", "inverse_optimizer")

    def __init__(
        self,
        network,
        objective=None,
        noise_stddev=None,
        inverse_activation="tanh",
        inverse="paired",
        reduction="sum",
        seed=0,
        inverses=None,
        name=None,
    ):
        super().__init__(network, objective, reduction, name=name)
        self.noise_stddev = real("`noise_stddev`", noise_stddev, 0)
        self.seed = whole("`seed`", seed)
        self.inverse_activation, self.inverse = inverse_activation, inverse
        options = inverse_activation, inverse, self.auxiliary_units, self.highest_inverse
        self.g = feedback.inverses(network, *options, given=inverses)
        self.given_inverses = sorted(map(int, inverses or {}))
        self.inverse_loss_metric = keras.metrics.Mean(name="inverse_loss")

    @property
    def highest_inverse(self):
        """Number of the topmost block that the rule inverts."""
        return self.depth

    def reconstruction_target(self, clean, noisy):
        """What an inverse should make of the block's response to `noisy`."""
        raise NotImplementedError

    def forward(self, l, h):
        """What g[l] reads when block l reads `h`."""
        return self.network.response(l, h)

    def noise(self, h):
        """Gaussian noise for the input of every inverted block l, shaped like h[l-1]."""
        key = keys.key(self.seed, "noise", self.inverse_optimizer.iterations.value)
        draws = normal_like([h[l - 1] for l in self.g], key, self.noise_stddev)
        return dict(zip(self.g, draws, strict=True))

    def inverse_losses(self, h):
        """Squared error of every inverse on corrupted input, by block, each `(batch,)`."""
        losses, noise = {}, self.noise(h)
        for l, g in self.g.items():
            clean, noisy = h[l - 1], h[l - 1] + noise[l]
            rebuilt = g(tf.stop_gradient(self.forward(l, noisy)), training=True)
            loss = squared_norm(self.reconstruction_target(clean, noisy) - rebuilt)
            losses[l] = self.per_unit(loss, clean)
        return losses

    @property
    def inverse_weights(self):
        return [w for g in self.g.values() for w in g.trainable_variables]

    def inverse_update(self, record):
        weights, weight = self.inverse_weights, record.sample_weight
        with tf.GradientTape() as tape:
            loss = tf.add_n(list(self.inverse_losses(record.h).values()))
            if weight is not None:
                loss *= tf.cast(weight, loss.dtype)
            mean_loss = tf.reduce_sum(loss) / global_batch_size(record)
            descended = self.inverse_optimizer.scale_loss(mean_loss)
        self.inverse_loss_metric.update_state(loss)
        gradients = tape.gradient(descended, [w.value for w in weights])
        return Update(self.inverse_optimizer, gradients, weights)

    def updates(self, record, y):
        errors, applied = {}, []
        if "forward" in self.phases:
            errors = self.errors(record, y)
        # The inverses learn when all have read them, or TensorFlow copies what it writes to; and
        # before the network's gradients exist, for which there may be no room beside theirs
        if "inverse" in self.phases and self.inverse_weights:  # DTP's g begins at three blocks
            with tf.control_dependencies([tf.group(*errors.values())]):
                update = self.inverse_update(record)
            yield update
            applied = [weight.value.read_value() for weight in self.inverse_weights]
        if "forward" in self.phases:
            with tf.control_dependencies([tf.group(*applied)]):
                update = self.forward_update(record, errors)
            yield update

    def compile(self, optimizer="rmsprop", loss=None, *, inverse_optimizer=None, **options):
        """Sets the optimizers of the forward weights and of the inverses, loss and metrics.

        Args:
          optimizer: A Keras optimizer or its name.
          loss: Any Keras loss, None where the learner has an objective. An optimizer here is the
            inverses'.
          inverse_optimizer: Another optimizer, or its name; not the same object.
          **options: See `Learner.compile`.

        Raises:
          ValueError: If `inverse_optimizer` is missing or is the very object `optimizer`.
        """
        if inverse_optimizer is None and is_optimizer(loss):
            loss, inverse_optimizer = None, loss
        if inverse_optimizer is None:
            raise ValueError(
                f"`inverse_optimizer` must be given to compile of {type(self).__name__}, such as "
                "inverse_optimizer='adam', received None"
            )
        if inverse_optimizer is optimizer and not isinstance(optimizer, str):
            raise ValueError(
                "`optimizer` and `inverse_optimizer` must be two objects: each keeps the state of "
                f"its own weights, received {type(optimizer).__name__} twice"
            )
        super().compile(optimizer, loss, **options)
        self.inverse_optimizer = self.scaling(
            inverse_optimizer, options.get("auto_scale_loss", True)
        )
        self.inverse_optimizer.build(self.inverse_weights)

    @property
    def hidden_metrics(self):
        return [] if "inverse" in self.phases else [self.inverse_loss_metric]

    def evaluate(self, *args, **kwargs):
        with self._no_phase():
            return super().evaluate(*args, **kwargs)

    def test_on_batch(self, *args, **kwargs):
        with self._no_phase():
            return super().test_on_batch(*args, **kwargs)

    @contextlib.contextmanager
    def _no_phase(self):
        """While the network is evaluated nothing of the inverses is measured."""
        phases, self.phases = self.phases, ()
        try:
            yield
        finally:
            self.phases = phases

    def get_config(self):
        names = ("noise_stddev", "inverse_activation", "inverse", "seed")
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        given = {
            str(l): keras.saving.serialize_keras_object(self.g[l]) for l in self.given_inverses
        }
        return {**config, "inverses": given} if given else config

    def get_compile_config(self):
        if not self.compiled:
            return None
        inverse_optimizer = keras.saving.serialize_keras_object(self.inverse_optimizer)
        return {**super().get_compile_config(), "inverse_optimizer": inverse_optimizer}


def squared_norm(x):
    """||x||^2 of each example, summed over units, `(batch,)`."""
    return tf.reduce_sum(tf.reshape(tf.square(x), (tf.shape(x)[0], -1)), -1)
