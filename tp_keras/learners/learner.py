"""What all learning rules share: the step from errors to weights."""

from typing import NamedTuple

import keras
import tensorflow as tf

from tp_keras.learners.compiling import Compiling
from tp_keras.learners.keras_trainer import DistributedFit
from tp_keras.learners.measuring import Measuring
from tp_keras.learners.tasks import ObjectiveTask
from tp_keras.network import Network
from tp_keras.objectives import Objective


class Update(NamedTuple):
    """What an optimizer applies: a gradient for each of some weights."""

    optimizer: keras.optimizers.Optimizer
    gradients: list
    weights: list


class Learner(Compiling, Measuring, DistributedFit, keras.Model):
    """A network, and a rule that gives the output of each of its blocks an error.

    A rule is one method, `errors`: from the activations of a batch to the error of every h[l]. The
    rest is common to all rules: block l descends the gradient of <error[l], h[l]> with respect to
    its own weights, h[l-1] held fixed. Errors are per example; `record.scaled` takes the mean over
    the batch and sample weights into account, once.

    Args:
      network: The `Network` that learns.
      objective: What its output learns, from `tp_keras.objectives`; None leaves it to the loss
        that `compile` is given.

    Raises:
      ValueError: If `network` or `objective` is of another kind, or they do not fit.
    """

    rule_name = None
    declared_phases = ("forward",)  # what can learn in a step, see `set_phases`
    optimizer_names = ("optimizer",)  # attributes of the rule that are optimizers
    needs_target = False  # whether the rule reads `output_target`

    def __init__(self, network, objective=None, name=None):
        super().__init__(name=name)
        if not isinstance(network, Network):
            raise ValueError(
                "`network` must be a tp_keras.Network, such as Network.of(model), received "
                f"{network!r:.60}"
            )
        if objective is not None and not isinstance(objective, Objective):
            raise ValueError(
                "`objective` must be of tp_keras.objectives, or None where compile is given a "
                f"loss, received {objective!r:.60}"
            )
        self.network, self.objective, self.depth = network, objective, network.depth
        self.task = ObjectiveTask(objective, network) if objective else None
        self.phases = self.declared_phases
        self._phase_functions = {}
        self.loss_metric = keras.metrics.Mean(name="loss")
        names = self.task.errors if self.task else ()
        self.error_metrics = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True
        self._build_shapes_dict = {"input_shape": (None, *network.in_shape)}

    def errors(self, record, y):
        """Errors of the activations.

        Args:
          record: What the batch left behind, a `Record` with `h`, `a` and `below`.
          y: Labels, as the loss reads them: one-hot, `(batch, classes)`, under an objective.

        Returns:
          Dictionary by block: the error of h[l] for l < L, shaped like it, and of a[L]. A block
          that has none does not learn.
        """
        raise NotImplementedError

    def output_error(self, record, y):
        """The error of a[L], the same under every rule: the gradient of the loss."""
        return self.task.error(record, y)

    def example_error(self, record, y):
        """The gradient of each example's own loss with respect to a[L], whatever its weight."""
        return self.task.error(record, y, weighted=False)

    def output_target(self, y):
        """The output that the loss is least at, shaped like h[L]."""
        return self.task.target(y)

    def updates(self, record, y):
        """The updates of a step, all at the weights before it; each is applied before the next."""
        return [self.forward_update(record, self.errors(record, y))]

    def forward_update(self, record, errors):
        """The update that takes the network's weights down <error[l], h[l]>."""
        weights = self.network.trainable_variables
        return Update(self.optimizer, record.gradients(errors), weights)

    def call(self, x, training=None):
        return self.network(x, training=training)

    def export(self, *args, **kwargs):
        """Writes the network for serving, as `keras.Model.export` does."""
        return self.network.export(*args, **kwargs)

    def train_step(self, batch):
        x, y, sample_weight = self.unpack(batch)
        with tf.GradientTape(persistent=True) as tape:
            record = self.network.record(x, tape)
        record.sample_weight = sample_weight
        record.scale = self.optimizer.scale_loss(1.0 / global_batch_size(record))
        for optimizer, gradients, weights in self.updates(record, y):
            optimizer.apply(gradients, weights)
        L = self.depth
        return self.measure(batch, record.a[L], record.h[L], y, sample_weight, record.losses)

    def test_step(self, batch):
        x, y, sample_weight = self.unpack(batch)
        a, h, losses = self.network.outputs(x)
        return self.measure(batch, a, h, y, sample_weight, losses)

    def unpack(self, batch):
        """Returns inputs, labels as the loss reads them, and a weight for each example or None."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        if sample_weight is not None:
            sample_weight = example_weights(sample_weight)
        return x, self.task.labels(y, self.network.stack[-1].variable_dtype), sample_weight

    @property
    def optimizers(self):
        """All optimizers of the rule, the network's first; their state is the learner's."""
        return [getattr(self, name) for name in self.optimizer_names]

    @property
    def seeds(self):
        """The state of the network's random layers, such as dropout."""
        known = {id(w) for w in self.network.weights}
        return [v for v in self.network.variables if id(v) not in known]

    def set_phases(self, *phases):
        """Restricts the steps to come to these phases; each combination compiles once.

        Raises:
          ValueError: If the rule does not have one of them.
        """
        self.refuse_unknown_phases(phases)
        self.phases = phases
        if phases not in self._phase_functions:
            self._phase_functions[phases] = self.make_train_function(force=True)
        self.train_function = self._phase_functions[phases]

    def refuse_unknown_phases(self, phases):
        unknown = [phase for phase in phases if phase not in self.declared_phases]
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has the phases {', '.join(self.declared_phases)}, "
                f"received {unknown[0]!r}"
            )

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


def global_batch_size(record):
    """Examples in this step over all replicas, whose gradients the optimizer adds up."""
    return record.examples * tf.distribute.get_strategy().num_replicas_in_sync


def example_weights(sample_weight):
    """Returns `(batch,)` weights.

    Raises:
      ValueError: If there is not one for each example.
    """
    shape = tuple(sample_weight.shape)
    if len(shape) > 1 and any(side != 1 for side in shape[1:]):
        raise ValueError(f"`sample_weight` must hold a number for each example, received {shape}")
    return tf.reshape(sample_weight, (-1,))
