"""How far an epoch is: a bar in a terminal, a line now and then in a file or a notebook."""

import time

import keras

SECONDS = 20.0  # from one line to the next
BAR_SECONDS = 0.2
BAR = 20  # letters


class ProgressLines(keras.callbacks.Callback):
    """Writes a line with step, error so far and time left, every `seconds` of an epoch.

    Args:
      steps_per_epoch: Steps of an epoch.
      epochs: Epochs of the run, of which a call of `fit` may have a part.
      measured: The run's `Measured`.
      say: Called with the line.
      clock: Returns the seconds since some moment.
    """

    seconds = SECONDS

    def __init__(self, steps_per_epoch, epochs, measured, say, clock=time.monotonic):
        super().__init__()
        self.steps, self.epochs = steps_per_epoch, epochs
        self.measured, self.say, self.clock = measured, say, clock

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.started = epoch, self.clock()
        self.said_at = self.started

    def on_train_batch_end(self, batch, logs=None):
        now = self.clock()
        if now - self.said_at < self.seconds:
            return
        self.said_at, done = now, batch + 1
        # A resumed epoch begins in its middle, and Keras counts the steps that are left of it
        total = self.params["steps"] or self.steps
        if done < total:
            left = duration((now - self.started) / done * (total - done))
            error = self.measured.in_words(float(self.measured.error(logs)))
            self.say(self.line(self.steps - total + done, error, left))

    def line(self, step, error, left):
        """Returns what is written."""
        return (
            f"epoch {self.epoch + 1}/{self.epochs}, step {step}/{self.steps}  "
            f"train {error} so far  {left} left of the epoch"
        )


class ProgressBar(ProgressLines):
    """The same in a terminal, where each line takes the place of the last."""

    seconds = BAR_SECONDS

    def line(self, step, error, left):
        """Returns what is written, in 80 columns."""
        bar = "#" * (BAR * step // self.steps)
        return (
            f"epoch {self.epoch + 1}/{self.epochs} [{bar:.<{BAR}}] {step}/{self.steps}  "
            f"train {error}  {left} left"
        )


def duration(seconds: float) -> str:
    """Returns a time as text: "40 s", "3 min", "2.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
