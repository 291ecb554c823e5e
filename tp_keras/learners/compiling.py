"""`compile` of a learner, and what of it is saved."""

import keras

from tp_keras import blocks
from tp_keras.learners.tasks import KerasTask
from tp_keras.scalars import whole


class Compiling:
    """Mixin for `keras.Model` with a `network`, a `task` and `optimizers`."""

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        *,
        metrics=None,
        weighted_metrics=None,
        steps_per_execution=1,
        jit_compile=False,
        run_eagerly=False,
        auto_scale_loss=True,
    ):
        """Sets the optimizer of the forward weights, the loss and the metrics, as Keras does.

        Args:
          optimizer: A Keras optimizer or its name.
          loss: Any Keras loss; None where the learner has an objective.
          metrics: Keras metrics or their names.
          weighted_metrics: Those that take sample weights into account.
          steps_per_execution: Training steps in one call.
          jit_compile: Whether XLA compiles the step.
          run_eagerly: Whether steps run without a graph, to look into them.
          auto_scale_loss: Whether the loss is scaled under the policy "mixed_float16".

        Raises:
          ValueError: If there is no loss, or two, or `steps_per_execution` is no positive integer.
        """
        self._check_loss(loss)
        steps_per_execution = whole("`steps_per_execution`", steps_per_execution, 1)
        super().compile(
            self.scaling(optimizer, auto_scale_loss),
            loss,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            run_eagerly=run_eagerly,
            auto_scale_loss=auto_scale_loss,
        )
        # Unbuilt, it would be left out of saved weights
        self.optimizer.build(self.network.trainable_variables)
        self._phase_functions = {}

    def scaling(self, optimizer, auto_scale_loss):
        """Returns the optimizer, scaling losses where a block computes in float16."""
        optimizer = keras.optimizers.get(optimizer)
        # Of the layers themselves: blocks that were cut from a model may say another
        layers = [layer for block in self.network.stack for layer in blocks.layers_of(block)]
        policies = {layer.dtype_policy.name for layer in [self, *layers]}
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if auto_scale_loss and "mixed_float16" in policies and not scales:
            return keras.optimizers.LossScaleOptimizer(optimizer)
        return optimizer

    def _check_loss(self, loss):
        name = type(self).__name__
        if self.objective is None:
            if loss is None:
                raise ValueError(
                    f"`loss` must be given to compile, or `objective` to {name}: received neither"
                )
            self.task = KerasTask(loss, self.network)
        elif loss is not None:
            raise ValueError(
                f"`loss` must be left out where {name} has an objective, received {loss!r}"
            )
        if self.needs_target:
            self.task.require_target(name)

    def get_compile_config(self):
        return super().get_compile_config() if self.compiled else None

    def compile_from_config(self, config):
        if config is not None:
            names = ("optimizer", "loss", "metrics", "weighted_metrics", "steps_per_execution")
            names += ("jit_compile", "run_eagerly", "inverse_optimizer")
            known = {name: config[name] for name in names if name in config}
            self.compile(**keras.saving.deserialize_keras_object(known))


def is_optimizer(candidate):
    """Whether `compile` was given an optimizer, or the name of one."""
    names = (name.lower() for name in dir(keras.optimizers))
    named = isinstance(candidate, str) and candidate.lower() in names
    return named or isinstance(candidate, keras.optimizers.Optimizer)
