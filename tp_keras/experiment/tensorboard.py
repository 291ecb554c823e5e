"""Writes TensorBoard's event files."""

import keras
import tensorflow as tf


class TensorBoardLogger(keras.callbacks.Callback):
    """Writes scalars for each epoch, the settings as text, and the outcome's HParams.

    Event files lie in the run folder itself, since TensorBoard calls a run by its folder's name.

    Args:
      folder: The `RunDirectory`.
      settings: The text of all settings, such as the operative gin configuration.
      hparams: Hyperparameters by name, numbers or strings.
    """

    def __init__(self, folder, settings, hparams):
        super().__init__()
        self.folder, self.settings, self.hparams = folder, settings, hparams

    def on_train_begin(self, logs=None):
        # Imported here: it takes a second that a failing command line need not wait for
        from tensorboard.plugins.hparams import api

        with self.folder.writing():
            self.writer = tf.summary.create_file_writer(str(self.folder.path))
            with self.writer.as_default(step=0):
                text = "\n".join("    " + line for line in self.settings.splitlines())
                tf.summary.text("operative gin", text)
                api.hparams(self.hparams)

    def on_epoch_end(self, epoch, logs=None):
        with self.folder.writing(), self.writer.as_default(step=epoch + 1):
            for name, value in logs.items():
                part, _, measure = name.partition("_")
                if part in ("test", "val"):
                    part = {"val": "held out"}.get(part, part)
                    tf.summary.scalar(f"{measure}/{part}", value)
                else:
                    tf.summary.scalar(f"{name}/train", value)
            for name in self.model.optimizer_names:
                rate = keras.ops.convert_to_numpy(getattr(self.model, name).learning_rate)
                part = name.removesuffix("optimizer").strip("_") or "forward"
                tf.summary.scalar(f"learning_rate/{part}", rate)
            self.writer.flush()

    def on_train_end(self, logs=None):
        with self.folder.writing():
            self.writer.close()
