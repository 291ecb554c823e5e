"""Schedules: which phases an epoch has, of inverses and of the network (section 2.1.2)."""

import gin
import keras


class Schedule(keras.callbacks.Callback):
    """A callback that says what learns in an epoch; a subclass gives `phases`."""

    def phases(self, epoch):
        """Returns what learns in that epoch, of the rule's `declared_phases`."""
        raise NotImplementedError

    def check(self, learner):
        """Raises ValueError where the learner's rule lacks a phase, or would never enter one."""
        entered = {phase for epoch in range(2) for phase in self.phases(epoch)}
        if entered != set(learner.declared_phases):
            raise ValueError(
                f"the schedule {type(self).__name__} is for rules with the phases "
                f"{', '.join(sorted(entered))}, received {type(learner).__name__} with "
                f"{', '.join(learner.declared_phases)}"
            )

    def set_model(self, model):
        self.check(model)
        super().set_model(model)

    def on_epoch_begin(self, epoch, logs=None):
        self.model.set_phases(*self.phases(epoch))


@gin.register(module="tp_keras.schedules")
class Parallel(Schedule):
    """Both at every step, all gradients taken at the weights before it."""

    def phases(self, epoch):
        return ("forward", "inverse")


@gin.register(module="tp_keras.schedules")
class Alternating(Schedule):
    """An epoch of inverses, then an epoch of the network, and so on; each counts as one."""

    def phases(self, epoch):
        return ("inverse",) if epoch % 2 == 0 else ("forward",)


@gin.register(module="tp_keras.schedules")
class Mirror(Schedule):
    """An epoch of the weight mirror alone, which counts; from then on both at every step."""

    def phases(self, epoch):
        return ("forward", "mirror") if epoch else ("mirror",)
