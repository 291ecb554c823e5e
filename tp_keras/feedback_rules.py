"""What stands for the transpose of a layer's weights W where errors descend, one class a rule.

delta[l] = sigma'(a[l]) * (W[l+1], in its place `kernel(W, B)`)^T delta[l+1]
"""

import keras
import tensorflow as tf

from tp_keras import keys
from tp_keras.noise import normal_like
from tp_keras.scalars import is_real, plain, whole


class Rule:
    """How errors descend through one layer; W and B have the layout of the layer's kernel."""

    has_feedback = True  # whether the layer needs a B
    learns = False  # whether the optimizer trains B, by the gradient of W

    def kernel(self, W, B):
        """Returns the weights that errors descend through, shaped like W."""
        raise NotImplementedError

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="tp_keras.feedback_rules")
class BP(Rule):
    """Backpropagation, the control: W^T delta."""

    has_feedback = False

    def kernel(self, W, B):
        return W


@keras.saving.register_keras_serializable(package="tp_keras.feedback_rules")
class FA(Rule):
    """Feedback alignment, Lillicrap et al. (2016): B^T delta, B fixed and random."""

    def kernel(self, W, B):
        return B


@keras.saving.register_keras_serializable(package="tp_keras.feedback_rules")
class SignSymmetry(Rule):
    """Sign-symmetry, Liao et al. (2016), with fixed random magnitudes: (|B| * sign(W))^T delta."""

    def kernel(self, W, B):
        return tf.abs(B) * tf.sign(W)


@keras.saving.register_keras_serializable(package="tp_keras.feedback_rules")
class KolenPollack(FA):
    """Kolen & Pollack (1994) as in Akrout et al. (2019): B^T delta, B trained like W.

    B is given W's gradient. Under an optimizer that treats every weight by itself and takes a
    share of each away at every step (AdamW, or SGD with `weight_decay`) B and W become equal:
    a step multiplies W - B by 1 - learning_rate * weight_decay.
    """

    learns = True


@keras.saving.register_keras_serializable(package="tp_keras.feedback_rules")
class WeightMirror(FA):
    """Weight mirror, Akrout et al. (2019): B^T delta, B an average of x a^T over noise x.

    B += max(rate, 1/t) * (x a^T - B),  a = W x,  x of variance 1,  training step t

    (equation 7; ours: the decay, a for sigma(a), 1/t). x a^T is averaged over a weight's uses,
    examples and positions: on average it is W.

    Args:
      rate: Share of B that a step replaces in the end, above 0, at most 1. B lags 1/rate steps; a
        small rate averages over more noise.
      seed: Seed of the noise, an integer.
      number: Tells the noise of this layer from others', as `convert` counts them; None leaves that
        to the layer's name.

    Raises:
      ValueError: If `rate` is not above 0 and at most 1.
    """

    def __init__(self, rate=0.01, seed=0, number=None):
        if not is_real(rate) or not 0 < rate <= 1:
            raise ValueError(f"`rate` must be above 0 and at most 1, received {rate!r:.60}")
        self.rate, self.seed, self.number = plain(rate), whole("`seed`", seed), number

    def numbered(self, number):
        """Returns this rule for another layer."""
        return WeightMirror(self.rate, self.seed, number)

    def noise_like(self, x, name, step):
        """Noise of variance 1 shaped like x: of this layer, step and replica alone."""
        stream = f"mirror {name if self.number is None else self.number}"
        return normal_like([x], keys.key(self.seed, stream, step), 1.0)[0]

    def moved(self, B, mirrored, step):
        """Returns B after a step, 0, 1 .., in which noise gave `mirrored`."""
        return B + mirror_rate(self.rate, step) * (mirrored - B)

    def get_config(self):
        return {"rate": self.rate, "seed": self.seed, "number": self.number}


def mirror_rate(rate, step):
    """1, 1/2, 1/3 .. down to `rate`: a moving average begins as the mean of all so far."""
    return tf.maximum(rate, 1.0 / (tf.cast(step, tf.float32) + 1.0))


@keras.saving.register_keras_serializable(package="tp_keras.feedback_rules")
class DFA:
    """Direct feedback alignment, Nokland (2016): B[l] carries the output's error to h[l].

    A rule of whole models: `convert(model, DFA(...))`.

    Args:
      feedback_storage: "stored", "stored_bfloat16" in half the memory, or "seeded": random signs
        that take none, drawn again wherever they are used.
      seed: Seed of "seeded", an integer.

    Raises:
      ValueError: If `feedback_storage` is none of these.
    """

    STORAGES = ("stored", "stored_bfloat16", "seeded")

    def __init__(self, feedback_storage="stored", seed=0):
        if feedback_storage not in self.STORAGES:
            raise ValueError(
                f"`feedback_storage` must be one of {', '.join(self.STORAGES)}, "
                f"received {feedback_storage!r}"
            )
        self.feedback_storage, self.seed = feedback_storage, whole("`seed`", seed)

    def get_config(self):
        return {"feedback_storage": self.feedback_storage, "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


RULES = {
    "bp": BP,
    "fa": FA,
    "sign_symmetry": SignSymmetry,
    "kolen_pollack": KolenPollack,
    "weight_mirror": WeightMirror,
    "dfa": DFA,
}


def get(rule):
    """Returns a rule from its name, its Keras config or itself.

    Raises:
      ValueError: If it is none of these; the message lists the names.
    """
    if isinstance(rule, dict):
        rule = keras.saving.deserialize_keras_object(rule)
    if isinstance(rule, str) and rule in RULES:
        return RULES[rule]()
    if isinstance(rule, type) or not (isinstance(rule, DFA) or hasattr(rule, "kernel")):
        raise ValueError(
            f"`rule` must be one of {', '.join(RULES)}, or an object with a method kernel(W, B), "
            f"received {rule!r}"
        )
    return rule
