"""Adam at the speed of TensorFlow's fused kernel, with either reading of its epsilon."""

import gin
import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tp_keras")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`, updated by one fused kernel per weight.

    Args:
      learning_rate, beta_1, beta_2, epsilon: As in Kingma & Ba (2015).
      epsilon_form: Where epsilon enters: "tensorflow", beside the uncorrected root of the second
        moment; "paper", beside the corrected one as in Kingma & Ba's algorithm 1.

    Raises:
      ValueError: If `epsilon_form` is neither, or `amsgrad` is asked for.
    """

    def __init__(
        self,
        learning_rate,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        epsilon_form="tensorflow",
        **kwargs,
    ):
        if kwargs.get("amsgrad"):
            raise ValueError(
                "`amsgrad` must be False, received True: the fused kernel has no AMSGrad, "
                "keras.optimizers.Adam has it"
            )
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        if epsilon_form not in ("tensorflow", "paper"):
            raise ValueError(
                f"`epsilon_form` must be 'tensorflow' or 'paper', received {epsilon_form!r}"
            )
        self.epsilon_form = epsilon_form

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        # What all weights share is computed here, once a step and not once a weight
        dtype = trainable_variables[0].dtype
        step = tf.cast(self.iterations + 1, dtype)
        powers = [tf.pow(tf.constant(beta, dtype), step) for beta in (self.beta_1, self.beta_2)]
        epsilon = tf.constant(self.epsilon, dtype)
        if self.epsilon_form == "paper":
            epsilon *= tf.sqrt(1 - powers[1])
        shared = (tf.cast(learning_rate, dtype), *powers, epsilon)
        super()._backend_update_step(grads, trainable_variables, shared)

    def update_step(self, gradient, variable, shared):
        dtype, index = variable.dtype, self._get_variable_index(variable)
        learning_rate, beta_1_power, beta_2_power, epsilon = shared
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=beta_1_power,
            beta2_power=beta_2_power,
            lr=learning_rate,
            beta1=tf.constant(self.beta_1, dtype),
            beta2=tf.constant(self.beta_2, dtype),
            epsilon=epsilon,
            grad=tf.cast(gradient, dtype),
        )

    def get_config(self):
        return {**super().get_config(), "epsilon_form": self.epsilon_form}


@keras.saving.register_keras_serializable(package="tp_keras")
class Decay(keras.optimizers.Optimizer):
    """W -= share * W in one pass; what it takes for a weight's gradient is that share, a scalar."""

    def __init__(self, learning_rate=1.0, **kwargs):
        super().__init__(learning_rate, **kwargs)

    def update_step(self, gradient, variable, learning_rate):
        kept = 1 - tf.cast(learning_rate * gradient, variable.dtype)
        variable.assign(kept * variable)


@gin.register(module="tp_keras.optimizers")
def adam(learning_rate, beta_1, beta_2, epsilon, epsilon_form="tensorflow", weight_decay=None):
    """Builds an `Adam`; gin tells the forward one from the inverse one by scope."""
    return Adam(learning_rate, beta_1, beta_2, epsilon, epsilon_form, weight_decay=weight_decay)
