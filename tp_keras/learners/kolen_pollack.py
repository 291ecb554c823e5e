"""Kolen-Pollack, Kolen & Pollack (1994), in the form of Akrout et al. (2019)."""

import gin
import keras
import tensorflow as tf

from tp_keras.learners.fa import FA


@gin.register(module="tp_keras.learners")
@keras.saving.register_keras_serializable(package="tp_keras")
class KolenPollack(FA):
    """Feedback alignment whose B learns what W learns, so that the two become each other.

    W[l] += -eta * delta[l] h[l-1]^T - decay * W[l]    (Akrout et al., equation 16)
    B[l] += -eta * h[l-1] delta[l]^T - decay * B[l]    (17), so ||W - B^T|| falls by (1 - decay)

    Ours: Adam's step for -eta * .., the same for W and B; layer 1, which has no B, does not decay.

    Args:
      decay: Share of the weights W and B that a step takes away.
    """

    def __init__(self, network, objective, decay, name=None):
        super().__init__(network, objective, name=name)
        self.decay = decay

    def compile(self, optimizer, **options):
        super().compile(optimizer, **options)
        # Optimizers of the same settings: equal gradients make their states equal
        self.feedback_optimizer = type(optimizer).from_config(optimizer.get_config())
        self.decay_optimizer = keras.optimizers.SGD(self.decay)
        self.feedback_optimizer.build(self.kernels(self.B))
        self.decay_optimizer.build(self.kernels(self.network.f) + self.kernels(self.B))

    def kernels(self, layers):
        return [layers[l].kernel for l in self.B]

    def updates(self, tape, a, h, y):
        ((optimizer, dW, W),) = super().updates(tape, a, h, y)
        gradient = {w.path: g for w, g in zip(W, dW, strict=True)}
        f, B = self.network.f, self.kernels(self.B)
        dB = [f[l].backward_kernel(gradient[f[l].kernel.path]) for l in self.B]
        decaying = self.kernels(f) + B
        replicas = tf.distribute.get_strategy().num_replicas_in_sync  # whose shares add up
        decay = (self.decay_optimizer, [weight / replicas for weight in decaying], decaying)
        return [(optimizer, dW, W), (self.feedback_optimizer, dB, B), decay]

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}
