"""Writes TensorBoard's event files."""

import keras
import tensorflow as tf

PARTS = {"": "train", "test": "test", "val": "held out"}


class TensorBoardLogger(keras.callbacks.Callback):
    """Writes scalars for each epoch, the settings as text, and the outcome's HParams.

    Event files lie in the run folder itself, since TensorBoard calls a run by its folder's name.

    Args:
      folder: The `RunDirectory`.
      settings: The text of all settings, such as the operative gin configuration.
      hparams: Hyperparameters by name, numbers or strings.
      unit: What the errors are, such as "%".
    """

    def __init__(self, folder, settings, hparams, unit):
        super().__init__()
        self.folder, self.settings, self.hparams = folder, settings, hparams
        self.unit = unit

    def on_train_begin(self, logs=None):
        # Imported here: it takes a second that a failing command line need not wait for
        from tensorboard.plugins.hparams import api

        with self.folder.writing():
            self.writer = tf.summary.create_file_writer(str(self.folder.path))
            with self.writer.as_default(step=0):
                text = "\n".join("    " + line for line in self.settings.splitlines())
                tf.summary.text("operative gin", text)
                # As TensorBoard calls the run, so that one finds a trial's curves
                trial = "/".join(self.folder.path.absolute().parts[-2:])
                api.hparams(self.hparams, trial_id=trial)

    def on_epoch_end(self, epoch, logs=None):
        with self.folder.writing(), self.writer.as_default(step=epoch + 1):
            for name, value in logs.items():
                tf.summary.scalar(self._tag(name), value)
            for name in self.model.optimizer_names:
                rate = keras.ops.convert_to_numpy(getattr(self.model, name).learning_rate)
                part = name.removesuffix("optimizer").strip("_") or "forward"
                tf.summary.scalar(f"learning_rate/{part}", rate)
            self.writer.flush()

    def _tag(self, name):
        """The tag of a number that Keras logs: what it is, with its unit, and of which examples."""
        part, _, measure = name.partition("_")
        if part not in PARTS:
            part, measure = "", name
        unit = f" ({self.unit})" if measure.endswith("error") else ""
        return f"{measure}{unit}/{PARTS[part]}"

    def on_train_end(self, logs=None):
        with self.folder.writing():
            self.writer.close()
