"""The metrics of a learner: its loss, its objective's errors, and those given to `compile`."""

import keras
import tensorflow as tf


class Measuring:
    """Mixin for `keras.Model` with a `task`, a `loss_metric` and `error_metrics`."""

    def measure(self, batch, a, h, y, sample_weight, losses):
        """Updates the metrics: mean loss, the objective's errors in percent, and `compile`'s."""
        loss, examples = self.task.losses(a, h, y, sample_weight)
        self.loss_metric.update_state(loss + tf.add_n(losses) if losses else loss, examples)
        for name, error in self.task.errors.items():
            self.error_metrics[name].update_state(error(a, y))
        x, as_given, _ = keras.utils.unpack_x_y_sample_weight(batch)
        return self.compute_metrics(x, as_given, h, sample_weight)

    @property
    def metrics(self):
        own = [self.loss_metric, *self.error_metrics.values()]
        others = {id(m) for m in [*own, *self.hidden_metrics]}
        # Keras' own tracker of the loss, also called "loss", stands first among all
        return own + [m for m in super().metrics if id(m) not in others and m.name != "loss"]

    @property
    def hidden_metrics(self):
        """Metrics of the rule that are not shown now."""
        return []

    def fit(self, *args, **kwargs):
        callbacks = kwargs.get("callbacks") or (args[5] if len(args) > 5 else None) or ()
        own = {metric.name for metric in (self.loss_metric, *self.error_metrics.values())}
        for callback in getattr(callbacks, "callbacks", callbacks):
            # Keras guesses from names whether more is better; losses and errors shall fall
            monitored = getattr(callback, "monitor", "").removeprefix("val_")
            if getattr(callback, "mode", None) == "auto" and monitored in own:
                callback.mode = "min"
        return super().fit(*args, **kwargs)
