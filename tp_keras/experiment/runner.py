"""One run in plain Python: trains a compiled learner, resumes it, and keeps its record."""

import os
import pathlib
from collections.abc import Sequence

import keras

from tp_keras.data.base import Dataset
from tp_keras.distribution import strategy as strategies
from tp_keras.experiment.console import Output
from tp_keras.experiment.fit import fit
from tp_keras.experiment.identity import describe
from tp_keras.experiment.kinds import FLAG, Kind, is_path, number, optional, several, whole
from tp_keras.experiment.measured import ACCURACIES, Measured
from tp_keras.experiment.reconstructions import RECONSTRUCTIONS
from tp_keras.experiment.results import closing_lines, finished_result, write_results
from tp_keras.experiment.resume import CheckpointPolicy
from tp_keras.experiment.shared_folder import open_run_directory
from tp_keras.learners.learner import Learner
from tp_keras.scalars import plain

CALLBACK = Kind("a callback of Keras", lambda v: isinstance(v, keras.callbacks.Callback))
TEXT = Kind("text", lambda v: isinstance(v, str))
# What the arguments of `run` may be, beside its dataset and learner
ARGUMENTS = {
    "directory": Kind(
        "the path of a folder", lambda v: isinstance(v, str | os.PathLike) and is_path(os.fspath(v))
    ),
    "epochs": whole(0, 1_000_000),
    "schedule": optional(CALLBACK),
    "callbacks": several(CALLBACK, "callbacks of Keras", "[EarlyStopping('test_error')]"),
    "checkpoint_policy": Kind("a CheckpointPolicy", lambda v: isinstance(v, CheckpointPolicy)),
    "seed": optional(Kind("a whole number", lambda v: whole(-(2**63), 2**63).allows(v))),
    "architecture": TEXT,
    "settings": optional(TEXT),
    "paper_error": optional(number(0, 1e6)),
    "restore_weights": FLAG,
    "verbose": FLAG,
}


def run(
    dataset: Dataset,
    learner: Learner,
    directory: str | os.PathLike,
    epochs: int,
    schedule: keras.callbacks.Callback | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    checkpoint_policy: CheckpointPolicy = CheckpointPolicy(),  # noqa: B008, it is frozen
    *,
    seed: int | None = None,
    architecture: str = "network",
    settings: str | None = None,
    paper_error: float | None = None,
    restore_weights: bool = True,
    verbose: bool = True,
) -> dict:
    """Trains a learner and writes its run folder; the same call resumes what it finds there.

    The folder gets `operative.gin` (the settings), `epochs.csv`, `result.json`, checkpoints,
    TensorBoard's event files, `best.weights.h5`, `last.weights.h5` and `network.keras`.

    Args:
      dataset: What `tp_keras.data.load` or `from_arrays` returns.
      learner: A compiled `Learner`; all its optimizers are saved too. Where it learns a Keras loss
        and `compile` was given `metrics=["accuracy"]`, errors are what is missing to 100 %; without
        an accuracy the loss stands in their place.
      directory: The run folder, made where it does not exist.
      epochs: Epochs to train in all, those of earlier calls included.
      schedule: A callback that sets the phases of each epoch, from `tp_keras.schedules`, or None.
      callbacks: Further callbacks. In their logs `test_error` is the test set's and, where examples
        are held out, `val_error` theirs. One that has `set_run` is given the dataset and the
        `RunDirectory`.
      checkpoint_policy: When checkpoints are written within an epoch, and how many are kept.
      seed: Number of the run for its record; None is the dataset's seed.
      architecture: Name of the network for the record.
      settings: The text that the run is recorded and recognised by, lines `name = value`; None
        makes it of the configs of learner, optimizers and dataset.
      paper_error: A published test error in percent to print beside the run's, or None.
      restore_weights: Whether the learner gets the last weights of a run that is complete already.
      verbose: Whether lines, and on a terminal a progress bar, are printed.

    Returns:
      The content of `result.json`; errors in what `errors_are` says, percent most often.

    Raises:
      ValueError: If an argument is wrong, or the folder cannot be used or holds another run.
      Diverged: If a loss is not finite; the folder is kept.
      Preempted: If SIGTERM came; the folder holds a checkpoint.
      CannotWrite: If the folder could be written and no longer can.

    Example:
      dataset = tp_keras.data.from_arrays((x, y), test=(x_test, y_test), batch_size=64)
      learner.compile(keras.optimizers.Adam(1e-3), inverse_optimizer=keras.optimizers.Adam(1e-3))
      result = tp_keras.experiment.run(dataset, learner, "runs/mine", epochs=20)
    """
    check_kinds(
        directory=directory,
        epochs=epochs,
        schedule=schedule,
        callbacks=callbacks,
        checkpoint_policy=checkpoint_policy,
        seed=seed,
        architecture=architecture,
        settings=settings,
        paper_error=paper_error,
        restore_weights=restore_weights,
        verbose=verbose,
    )
    check_arguments(dataset, learner, schedule)
    epochs, seed, paper_error = map(plain, (epochs, seed, paper_error))
    directory, callbacks = pathlib.Path(directory).expanduser(), list(callbacks)
    for callback in callbacks:
        prepare(callback)
    measured = Measured(learner)
    settings = describe(dataset, learner, schedule) if settings is None else settings
    writes = strategies.is_chief(learner.distribute_strategy)
    output = Output(verbose and writes)
    with open_run_directory(directory, settings, learner.distribute_strategy) as folder:
        for callback in (each for each in callbacks if hasattr(each, "set_run")):
            callback.set_run(dataset, folder)
        others = (RECONSTRUCTIONS,) if dataset.label == "image" else ()
        result = finished_result(folder, epochs, output.say, others)
        if result is None:
            what = (dataset, learner, schedule, callbacks, epochs, checkpoint_policy)
            about = {"architecture": architecture, "asked_epochs": epochs}
            about["seed"] = dataset.seed if seed is None else seed
            with dataset.naming_damage():
                rows = fit(folder, settings, *what, measured, output)
                result = write_results(folder, learner, dataset, schedule, about, rows, measured)
        elif restore_weights:
            load_last_weights(folder.path / "last.weights.h5", learner)
        for line in closing_lines(result, measured.in_words, paper_error):
            output.say(line)
        output.say(f"run folder {directory}")
    return result


def load_last_weights(path, learner) -> None:
    """Loads the weights of a complete run; raises ValueError where they are not there."""
    try:
        learner.load_weights(path)
    except OSError as error:
        raise ValueError(
            f"the run is complete, and its weights cannot be read: {path} ({error}); give "
            "restore_weights=False, or more epochs"
        ) from error


def check_kinds(**given) -> None:
    """Raises ValueError at the first argument of `run` that is not what `ARGUMENTS` allows."""
    for name, value in given.items():
        kind = ARGUMENTS[name]
        if not kind.allows(value):
            received = " ".join(repr(value).split())
            raise ValueError(f"`{name}` must be {kind.words}, received {received:.80}")


def check_arguments(dataset, learner, schedule) -> None:
    """Raises ValueError where data or learner is of the wrong kind, or two do not fit."""
    if not isinstance(dataset, Dataset):
        raise ValueError(
            "`dataset` must be what tp_keras.data.load or tp_keras.data.from_arrays returns, "
            f"received {type(dataset).__name__}"
        )
    if not isinstance(learner, Learner) or not learner.compiled:
        raise ValueError(
            "`learner` must be a learning rule of tp_keras.learners, or one derived from Learner, "
            f"that is compiled, received {type(learner).__name__}"
        )
    sparse = keras.losses.SparseCategoricalCrossentropy
    if learner.objective is None and isinstance(learner.task.loss, sparse):
        raise ValueError(
            "`learner` must be compiled with categorical_crossentropy, since the labels of a "
            "dataset are one-hot, received sparse_categorical_crossentropy"
        )
    if hasattr(schedule, "check"):
        schedule.check(learner)
    strategies.refuse_unfit(learner.distribute_strategy, dataset, learner.jit_compile)


def prepare(callback) -> None:
    """Sets how a callback compares what it watches.

    Raises:
      ValueError: If it could not be resumed.
    """
    if getattr(callback, "restore_best_weights", False):
        raise ValueError(
            f"{type(callback).__name__}.restore_best_weights cannot be True: a run that is resumed "
            "has no such weights; best.weights.h5 of the run folder holds them"
        )
    if getattr(callback, "mode", None) == "auto":
        # Keras knows no metric called test_error, say
        more_is_better = callback.monitor.partition("_")[2] in ACCURACIES
        callback.mode = "max" if more_is_better or callback.monitor in ACCURACIES else "min"
