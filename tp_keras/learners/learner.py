"""What all learning rules share: the step from errors to weights."""

import keras
import tensorflow as tf

from tp_keras.distributed_fit import DistributedFit


class Learner(DistributedFit, keras.Model):
    """A network, and a rule that gives each of its layers an error.

    A rule is one method, `deltas`: from the activations of a batch to delta[l], the error of
    every pre-activation a[l]. The rest is common to all rules: layer l descends the gradient of
    <delta[l], a[l]> with respect to its own weights, h[l-1] held fixed. Errors are per example;
    the mean over the batch is taken here, once.

    Args:
      network: The `Network` that learns.
      objective: What its output learns, from `tp_keras.objectives`.
    """

    def __init__(self, network, objective, name=None):
        super().__init__(name=name)
        objective.check(network)
        self.network = network
        self.objective = objective
        self.depth = network.depth
        self.phases = ("forward",)
        self._phase_functions = {}
        self.loss_metric = keras.metrics.Mean(name="loss")
        self.error_metrics = {name: keras.metrics.Mean(name=name) for name in objective.errors}
        self.built = True

    def deltas(self, a, h, y):
        """Errors of the pre-activations.

        Args:
          a: Pre-activations by layer, 1..L, each `(batch, *out_shape)`.
          h: Activations by layer, 0..L.
          y: Labels, one-hot, `(batch, classes)`.

        Returns:
          Dictionary delta by layer, 1..L, each shaped like a[l].
        """
        raise NotImplementedError

    def output_delta(self, a, y):
        """Error of the output layer, the same under every rule."""
        return self.objective.delta(a[self.depth], y)

    def compile(self, optimizer, *, steps_per_execution=1, jit_compile=False, run_eagerly=False):
        """Sets the optimizer of the forward weights; `jit_compile` asks for XLA."""
        super().compile(
            optimizer,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            run_eagerly=run_eagerly,
        )
        # Unbuilt, it would be left out of saved weights
        self.optimizer.build(self.network.trainable_variables)
        self._phase_functions = {}

    def enter(self, *phases):
        """Restricts the steps to come to these phases; each combination compiles once."""
        self.phases = phases
        if phases not in self._phase_functions:
            self._phase_functions[phases] = self.make_train_function(force=True)
        self.train_function = self._phase_functions[phases]

    def call(self, x):
        return self.network(x)

    def updates(self, tape, a, h, y):
        """`(optimizer, gradients, weights)` triples, all at the weights before the step.

        Each may be applied before the next is asked for.
        """
        return [self.forward_update(tape, a, y, self.deltas(a, h, y))]

    def forward_update(self, tape, a, y, deltas):
        """The triple that takes the network's weights down <delta[l], a[l]>."""
        scale = 1.0 / global_batch_size(y)
        deltas = {l: scale * delta for l, delta in deltas.items()}
        weights = self.network.trainable_variables
        gradients = tape.gradient(a, [w.value for w in weights], output_gradients=deltas)
        return self.optimizer, gradients, weights

    def train_step(self, batch):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
        with tf.GradientTape() as tape:
            a, h = self.network.activations(x)
        for optimizer, gradients, weights in self.updates(tape, a, h, y):
            optimizer.apply(gradients, weights)
        return self.observe(a, y)

    def test_step(self, batch):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
        a, _ = self.network.activations(x)
        return self.observe(a, y)

    def observe(self, a, y):
        """Updates the metrics: mean loss, and the objective's errors, most often in percent."""
        output = a[self.depth]
        self.loss_metric.update_state(self.objective.loss(output, y))
        for name, error in self.objective.errors.items():
            self.error_metrics[name].update_state(error(output, y))
        return {metric.name: metric.result() for metric in self.metrics}

    @property
    def metrics(self):
        return [self.loss_metric, *self.error_metrics.values()]

    def get_config(self):
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "objective": keras.saving.serialize_keras_object(self.objective),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        parts = {k: keras.saving.deserialize_keras_object(v) for k, v in config.items()}
        return cls(**parts)

    def get_compile_config(self):
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "steps_per_execution": self.steps_per_execution,
            "jit_compile": self.jit_compile,
            "run_eagerly": self.run_eagerly,
        }

    def compile_from_config(self, config):
        self.compile(**{k: keras.saving.deserialize_keras_object(v) for k, v in config.items()})


def through(activation, a, error):
    """Carries an error at h = sigma(a) down to a: sigma'(a) * error."""
    with tf.GradientTape() as tape:
        tape.watch(a)
        h = activation(a)
    return tape.gradient(h, a, output_gradients=error)


def global_batch_size(y):
    """Examples in this step over all replicas, whose gradients the optimizer adds up."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return tf.cast(tf.shape(y)[0] * replicas, y.dtype)
