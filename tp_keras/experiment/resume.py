"""When a run writes checkpoints, and from which step it resumes."""

import dataclasses
import time
from collections.abc import Sequence

import keras

from tp_keras.data.base import Dataset
from tp_keras.distribution.collectives import (
    assign_on_replicas,
    gather_from_workers,
    values_on_replicas,
)
from tp_keras.experiment.callbacks import EpochCSVLogger
from tp_keras.experiment.checkpoints import Checkpoints
from tp_keras.experiment.identity import first_difference
from tp_keras.experiment.kinds import CHECKPOINTS
from tp_keras.experiment.preemption import Preemption

RESUMED = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter")


@dataclasses.dataclass(frozen=True)
class CheckpointPolicy:
    """How often to write a checkpoint within an epoch; at the end of each there is one anyway.

    Args:
      steps: Steps between two checkpoints within an epoch, or None.
      minutes: Minutes between two checkpoints within an epoch.
      keep: How many of the newest checkpoints are kept.

    Raises:
      ValueError: If one of them is not such a number, above 0.
    """

    steps: int | None = None
    minutes: float = 10.0
    keep: int = 2

    def __post_init__(self):
        for name, kind in CHECKPOINTS.items():
            value = getattr(self, name)
            if not kind.allows(value):
                raise ValueError(
                    f"CheckpointPolicy.{name} must be {kind.words}, received {value!r:.60}"
                )


class BackupAndResume(keras.callbacks.Callback):
    """Writes checkpoints by a policy, after each epoch and on SIGTERM; restores the newest.

    It comes last in the list of callbacks, after those that complete a row of the epoch log.

    Args:
      checkpoints: The run's `Checkpoints`.
      log: The `EpochCSVLogger`, whose rows are saved and restored.
      preemption: The `Preemption` that receives SIGTERM.
      dataset: The run's dataset.
      policy: How often to save.
      others: Further callbacks, whose numbers (how long `EarlyStopping` has waited, and for what)
        are saved and restored.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        log: EpochCSVLogger,
        preemption: Preemption,
        dataset: Dataset,
        policy: CheckpointPolicy,
        others: Sequence[keras.callbacks.Callback] = (),
    ):
        super().__init__()
        self.others, self.numbers = others, None
        self.checkpoints, self.log, self.preemption = checkpoints, log, preemption
        self.steps_per_epoch, self.policy = dataset.steps_per_epoch, policy
        self.data = dataset.fingerprint
        self.first_epoch = self.first_step = 0
        self.metrics, self.saved_at = [], time.monotonic()

    def restore(self, model: keras.Model, say) -> tuple[int, int]:
        """Restores the model, and the log, from the newest checkpoint where there is one.

        Args:
          model: The model to restore.
          say: Called with a line for the user.

        Returns:
          The epoch to go on with, counted from 0, and how many of its steps are done.

        Raises:
          ValueError: If several processes do not find the same checkpoint, or the run has been
            trained on other data.
        """
        found = self.checkpoints.restore(say)
        if found:
            refuse_other_data(found.get("data", self.data), self.data)
            self.first_epoch, self.first_step = found["epoch"], found["step"]
            self.metrics, self.numbers = found["metrics"], found["callbacks"]
            self.log.restore(found["rows"], found["seconds"])
            say(f"resumed in epoch {self.first_epoch + 1} after step {self.first_step}")
        start = self.first_epoch, self.first_step
        if len(set(gather_from_workers(model.distribute_strategy, start))) > 1:
            raise ValueError(
                "the workers find different checkpoints: --run_dir must be a folder that all of "
                "them share"
            )
        return start

    def on_train_begin(self, logs=None):
        for callback, numbers in zip(self.others, self.numbers or (), strict=False):
            vars(callback).update(numbers)  # `fit` has just reset them

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.step = self.begun_at = self.first_step if epoch == self.first_epoch else 0
        self.saved_step = self.step
        if self.step:  # Keras has just reset them
            strategy = self.model.distribute_strategy
            assign_on_replicas(strategy, self._metric_variables(), self.metrics)

    def on_train_batch_end(self, batch, logs=None):
        self.step = self.begun_at + batch + 1
        if self.step >= self.steps_per_epoch:  # beyond: Keras counts the last call as a full one
            return  # the epoch is saved when it has been evaluated
        due, stop = self._anywhere(self._due(), self.preemption.requested)
        if due or stop:
            strategy = self.model.distribute_strategy
            self.metrics = values_on_replicas(strategy, self._metric_variables())
            self._save(self.epoch, self.step, self.log.seconds())
        if stop:
            where = f"saved in epoch {self.epoch + 1} after step {self.step}"
            raise self.preemption.stopped(where)

    def on_epoch_end(self, epoch, logs=None):
        self.metrics, self.numbers = [], [numbers_of(callback) for callback in self.others]
        self._save(epoch + 1, 0, 0.0)
        (stop,) = self._anywhere(self.preemption.requested)
        if stop:
            raise self.preemption.stopped(f"saved after epoch {epoch + 1}")

    def _due(self):
        steps = self.policy.steps
        by_steps = steps is not None and self.step // steps > self.saved_step // steps
        return by_steps or time.monotonic() - self.saved_at > 60 * self.policy.minutes

    def _anywhere(self, *flags):
        """Returns which flags are set in at least one process."""
        rows = gather_from_workers(self.model.distribute_strategy, flags)
        return [any(column) for column in zip(*rows, strict=True)]

    def _metric_variables(self):
        return [variable for metric in self.model.metrics for variable in metric.variables]

    def _save(self, epoch, step, seconds):
        where = {"epoch": epoch, "step": step, "seconds": seconds}
        progress = {**where, "metrics": self.metrics, "rows": self.log.rows}
        progress |= {"callbacks": self.numbers, "data": self.data}
        self.checkpoints.save(epoch * self.steps_per_epoch + step, progress)
        self.saved_step, self.saved_at = step, time.monotonic()


def refuse_other_data(found: dict[str, str], present: dict[str, str]) -> None:
    """Raises ValueError where the data that a run has been trained on is not the present one."""
    if found != present:
        raise ValueError(
            "--run_dir holds a run on other data: it differs in "
            f"{first_difference(found, present)}; give back that data, or choose another folder"
        )


def numbers_of(callback: keras.callbacks.Callback) -> dict[str, float]:
    """Returns what Keras' `EarlyStopping` and `ReduceLROnPlateau` count from epoch to epoch."""
    kept = {name: getattr(callback, name, None) for name in RESUMED}
    return {name: float(value) for name, value in kept.items() if value is not None}
