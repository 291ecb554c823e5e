"""From a model and its data to a trained model and its record, from wherever the run stands."""

import warnings

import keras

from tp_keras.data.base import Dataset
from tp_keras.distribution.input import distribute_dataset
from tp_keras.experiment import bindings
from tp_keras.experiment.callbacks import BestWeights, EpochLog, EventLog, StopOnDivergence
from tp_keras.experiment.checkpoints import Checkpoints
from tp_keras.experiment.console import quiet, say, show_bar
from tp_keras.experiment.preemption import Preemption
from tp_keras.experiment.reconstructions import Reconstructions
from tp_keras.experiment.resume import Pace, Saving
from tp_keras.experiment.run_directory import RunFolder


def fit(
    model: keras.Model,
    dataset: Dataset,
    schedule: keras.callbacks.Callback | None,
    others: list[keras.callbacks.Callback],
    folder: RunFolder,
    operative: str,
    epochs: int,
    pace: Pace,
) -> EpochLog:
    """Trains a model up to `epochs`, from the newest checkpoint in the folder if there is one.

    Args:
      model: The `Learner`, compiled.
      dataset: What it learns.
      schedule: The callback that says when inverses learn, or None.
      others: Further callbacks, which see every epoch before it is saved.
      folder: The run's folder.
      operative: The operative gin configuration, for TensorBoard.
      epochs: Epochs in all.
      pace: When to save.

    Returns:
      The log of all epochs.
    """
    tell, devices = say if folder.writes else quiet, model.distribute_strategy
    log, preemption = (
        EpochLog(folder, distribute_dataset(devices, dataset.test_batches), tell),
        Preemption(),
    )
    checkpoints = Checkpoints(folder, model, pace.keep)
    saving = Saving(checkpoints, log, preemption, dataset, pace, others)
    callbacks = [schedule] if schedule else []
    best = BestWeights(folder, log)
    callbacks += [log, StopOnDivergence(), best]
    if folder.writes:
        callbacks += [EventLog(folder, operative, bindings.hyperparameters(operative))]
    callbacks += [other for other in others if folder.writes or not hasattr(other, "set_run")]
    if folder.writes and dataset.label == "image":
        callbacks += [Reconstructions(folder, dataset.test_batches())]
    tell(f"{weight_count(model)}, {devices.num_replicas_in_sync} replica(s) -> {folder.path}")
    if dataset.skipped_examples:
        tell(
            f"each epoch leaves out {dataset.skipped_examples} of {dataset.train_examples} "
            "training examples, others each time: data.load.drop_remainder"
        )
    # Keras is not told how long a dealt dataset is, and wonders at its end
    warnings.filterwarnings("ignore", "Your input ran out of data")
    model.stop_training = False
    with preemption.watched():
        start = saving.take_up(model, tell)
        best.resume(model, start[1], tell)
        for leg in legs(*start, epochs):
            if model.stop_training:
                break
            train_leg(model, dataset, [*callbacks, saving], *leg, verbose=show_bar())
    return log


def legs(first_epoch: int, first_step: int, epochs: int) -> list[tuple[int, int, int]]:
    """Splits a run into calls of `Model.fit`, all of whose epochs are equally long.

    Returns:
      `(epoch, step, epochs)` each: where to begin, and the epoch to end before.
    """
    rest_of_epoch = [(first_epoch, first_step, first_epoch + 1)] if first_step else []
    return rest_of_epoch + [(first_epoch + len(rest_of_epoch), 0, epochs)]


def train_leg(model, dataset, callbacks, epoch, step, epochs, verbose):
    devices, held_out = model.distribute_strategy, None
    if dataset.validation_batches() is not None:
        held_out = distribute_dataset(devices, dataset.validation_batches)

    def batches(shard):
        return dataset.training_batches(epoch, step, shard=shard)

    model.fit(
        distribute_dataset(devices, batches),
        steps_per_epoch=dataset.steps_per_epoch - step,
        validation_data=held_out,
        initial_epoch=epoch,
        epochs=epochs,
        callbacks=callbacks,
        shuffle=False,  # the batches come shuffled
        verbose=int(verbose),
    )


def weight_count(model: keras.Model) -> str:
    """How many weights there are, in words."""
    forward = model.network.count_params()
    others = model.count_params() - forward
    return f"{forward:,} forward weights" + (f" and {others:,} backward ones" if others else "")
