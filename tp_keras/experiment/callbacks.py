"""Callbacks that log a run, keep its best weights, and end it where it diverges."""

import time

import keras
import numpy as np

from tp_keras.experiment.complete import best_weights_intact

# The columns of epochs.csv are in this order; what else a rule measures comes after them
PARTS, MEASURES = ("train", "test", "validation"), ("loss", "error", "top5_error")
DIVERGED = 1e6


class Diverged(Exception):
    """Raised where a loss is no longer finite, or above `DIVERGED`."""


class EpochCSVLogger(keras.callbacks.Callback):
    """Writes `epochs.csv`, one row an epoch; losses per example, errors in percent.

    Args:
      folder: The `RunDirectory`.
      test: Batches of the test set. What is measured on them joins the epoch's logs as `test_loss`,
        `test_error` and so on; Keras' own `val_loss` is of the held-out examples alone.
      measured: The run's `Measured`. The errors that it finds join the logs too.
      epochs: Epochs of the run, of which a call of `fit` may have a part.
      say: Called with a line for the user after each epoch.
    """

    def __init__(self, folder, test, measured, epochs, say):
        super().__init__()
        self.folder, self.test, self.measured = folder, test, measured
        self.epochs, self.say = epochs, say
        self.rows, self.seconds_before = [], 0.0

    def restore(self, rows, seconds):
        """Sets the rows of finished epochs, and the seconds spent in the present one before."""
        self.rows, self.seconds_before = rows, seconds
        if rows:
            self._write()

    def seconds(self):
        """Returns the seconds spent in the present epoch, by all starts together."""
        return self.seconds_before + time.perf_counter() - self.started

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        found = self.model.evaluate(self.test, verbose=0, return_dict=True)
        logs.update({f"test_{name}": value for name, value in found.items()})
        parts = [part for part in ("", "test_", "val_") if f"{part}loss" in logs]
        logs.update({f"{part}error": self.measured.error(logs, part) for part in parts})
        row = {
            "epoch": epoch + 1,
            "phases": "+".join(getattr(self.model, "phases", ("forward",))),
            **{column(name, found): value for name, value in logs.items()},
        }
        row["seconds"], self.seconds_before = round(self.seconds(), 3), 0.0
        # A float32 metric has no more correct digits
        self.rows.append({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()})
        self._write()
        self.say(self._line(row))

    def _write(self):
        names = {name for row in self.rows for name in row}
        first = ["epoch", "phases", *(f"{p}_{m}" for p in PARTS for m in MEASURES)]
        others = sorted(names - {*first, "seconds"})
        columns = [name for name in [*first, *others, "seconds"] if name in names]
        self.folder.write_rows("epochs.csv", columns, self.rows)

    def _line(self, row):
        inverse, top5 = row.get("inverse_loss"), row.get("test_top5_error")
        train, test = (self.measured.in_words(row[f"{p}_error"]) for p in ("train", "test"))
        return (
            f"epoch {row['epoch']}/{self.epochs}  train {train}  test {test}  "
            + (f"top-5 error {top5:.2f} %  " if top5 is not None else "")
            + (f"inverse loss {inverse:.4g}  " if inverse is not None else "")
            + f"{row['seconds']:.1f} s"
        )


def column(name, tested):
    """Returns the column of a number that Keras logs: `val_` is of the held-out examples.

    Args:
      name: Its name in the logs.
      tested: What is measured on the test set too.
    """
    if name.startswith("val_"):
        return f"validation_{name.removeprefix('val_')}"
    return f"train_{name}" if name in MEASURES or name in tested else name


def selecting_error(row):
    """Returns the error that epochs are compared by: the held-out one where there is one."""
    return row.get("validation_error", row["test_error"])


class BestWeightsCheckpoint(keras.callbacks.Callback):
    """Writes `best.weights.h5` after each epoch whose error is the lowest so far.

    The error is that of the held-out examples, where there are any, else of the test set.

    Args:
      folder: The `RunDirectory`.
      log: The `EpochCSVLogger`, which comes before it in the list of callbacks.
    """

    def __init__(self, folder, log):
        super().__init__()
        self.folder, self.log = folder, log

    def on_epoch_end(self, epoch, logs=None):
        if self._best() == epoch:
            self.folder.write_with("best.weights.h5", self.model.save_weights)

    def on_train_end(self, logs=None):
        if self.folder.writes and self.log.rows and not best_weights_intact(self.folder):
            self._say_lost(self.log.say)  # deleted under way

    def _best(self):
        errors = [selecting_error(row) for row in self.log.rows]
        return errors.index(min(errors))

    def restore(self, model, step, say):
        """Writes the file again where it is missing or damaged; says so where that cannot be.

        Args:
          model: The model as it was restored.
          step: How many steps of an epoch it has made since the last row of the log.
          say: Called with a line for the user.
        """
        if not self.log.rows or best_weights_intact(self.folder):
            return
        best = self._best()
        if best == len(self.log.rows) - 1 and step == 0:
            self.folder.write_with("best.weights.h5", model.save_weights)
        else:
            self._say_lost(say)

    def _say_lost(self, say):
        say(
            "best.weights.h5 is missing or damaged and cannot be written again: its weights, "
            f"of epoch {self._best() + 1}, are in no checkpoint"
        )


class TerminateOnDivergence(keras.callbacks.Callback):
    """Raises `Diverged`, with epoch and layer, where a loss is not finite or too large."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        # NaN compares false
        lost = [n for n in ("loss", "inverse_loss") if n in logs and not logs[n] < DIVERGED]
        if lost:
            raise Diverged(f"diverged in epoch {self.epoch + 1}, {self._where(lost)}")

    def on_epoch_end(self, epoch, logs=None):
        for name, what in (("test_loss", "test set"), ("val_loss", "held-out examples")):
            loss = logs.get(name, 0.0)
            if not loss < DIVERGED:
                raise Diverged(f"diverged in epoch {epoch + 1}: the loss on the {what} is {loss}")

    def _where(self, lost):
        layers = [(f"layer {l}", f) for l, f in self.model.network.f.items()]
        inverses = [(f"inverse of layer {l}", g) for l, g in getattr(self.model, "g", {}).items()]
        # Within a step NaN spreads from network to inverses and back: look where the loss is lost
        layers = (layers if "loss" in lost else []) + (inverses if "inverse_loss" in lost else [])
        kernels = {name: getattr(layer, "kernel", None) for name, layer in layers}
        largest = {
            name: max(np.max(np.abs(w)) for w in (layer.weights if kernel is None else [kernel]))
            for (name, layer), kernel in zip(layers, kernels.values(), strict=True)
            if layer.weights
        }
        broken = [name for name, size in largest.items() if not np.isfinite(size)]
        if broken:
            return f"{broken[0]}: its kernel is not finite"
        name = max(largest, key=largest.get)
        return f"{name}: its kernel has grown to {largest[name]:.3g}"
