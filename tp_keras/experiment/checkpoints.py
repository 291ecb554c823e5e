"""Checkpoints on disk: all state of a run, saved and restored."""

import json

import keras
import tensorflow as tf

import tp_keras
from tp_keras.experiment import checkpoint_files
from tp_keras.experiment.identity import first_difference
from tp_keras.experiment.run_directory import RunDirectory


class Checkpoints:
    """The newest checkpoints of a run, in `checkpoints/` of its folder.

    A checkpoint holds all weights, the state of all optimizers, and the run's progress. Order and
    noise are functions of seed and step: nothing else is needed.

    Args:
      folder: The `RunDirectory`.
      model: The `Learner`, compiled.
      keep: How many checkpoints stay.
    """

    def __init__(self, folder: RunDirectory, model: keras.Model, keep: int):
        self.folder, self.path = folder, folder.path / "checkpoints"
        self.variables, self.progress = state(model), tf.Variable("", dtype=tf.string)
        self.checkpoint = tf.train.Checkpoint(variables=self.variables, progress=self.progress)
        self.keep = keep

    def save(self, step: int, progress: dict) -> None:
        """Writes a checkpoint of a step of the run, whole or not at all."""
        if not self.folder.writes:
            return
        origin = {"version": tp_keras.__version__, "settings": self.folder.settings}
        self.progress.assign(json.dumps({**origin, **progress}))
        with self.folder.writing():
            checkpoint_files.write(self.path, step, self.checkpoint)
            checkpoint_files.keep_newest(self.path, step, self.keep)

    def restore(self, say) -> dict:
        """Gives the model back what its newest intact checkpoint holds.

        Args:
          say: What to call with a line for the user.

        Returns:
          The progress that was saved with it; nothing where there is no checkpoint.

        Raises:
          ValueError: If a checkpoint is of another experiment or version, or none is intact.
        """
        paths = checkpoint_files.prefixes(self.path)
        for path in paths:
            try:
                progress = self._read(path)
            except checkpoint_files.DAMAGED:
                say(f"checkpoint {path} is damaged; falling back to the one before it")
                continue
            self._refuse_foreign(path, progress)
            return progress
        if paths:
            raise ValueError(
                f"--run_dir has no intact checkpoint: {self.path}; remove the folder to start anew"
            )
        return {}

    def _read(self, path):
        reader, progress = tf.train.load_checkpoint(str(path)), checkpoint_files.read_progress(path)
        if self._origin_differs(progress) is None:
            # One at a time: Checkpoint.restore would hold all of them in memory twice
            for i, variable in enumerate(self.variables):
                variable.assign(checkpoint_files.value(reader, f"variables/{i}"))
        return progress

    def _origin_differs(self, progress):
        if progress["version"] != tp_keras.__version__:
            return f"version of tp_keras: {progress['version']} there, {tp_keras.__version__} here"
        if progress["settings"] != self.folder.settings:
            return first_difference(progress["settings"], self.folder.settings)
        return None

    def _refuse_foreign(self, path, progress):
        difference = self._origin_differs(progress)
        if difference:
            advice = "choose another folder"
            if progress["version"] != tp_keras.__version__:  # weights may lie otherwise
                advice = f"go on with tp_keras {progress['version']}, or {advice} to start anew"
            raise ValueError(
                f"--run_dir holds a checkpoint of another run: {path} differs in {difference}; "
                f"{advice}"
            )


def state(model: keras.Model) -> list[tf.Variable]:
    """All variables of a compiled model that outlive a step, in a fixed order."""
    groups = [model.weights, model.seeds, *(each.variables for each in model.optimizers)]
    return [variable.value for group in groups for variable in group]
