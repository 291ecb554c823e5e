"""Random search: `python -m tp_keras.search --gin_file=gin/mnist_fc_bp.gin --trials=60`.

Started again, or on several hosts with one --search_dir, it goes on with what is left.
"""

import functools
import os
import pathlib
import subprocess
import sys

import gin
import keras
from absl import app, flags, logging

from tp_keras import train
from tp_keras.experiment import cli, config, console
from tp_keras.experiment.callbacks import Diverged
from tp_keras.experiment.console import say
from tp_keras.experiment.identity import identity
from tp_keras.experiment.kinds import is_path
from tp_keras.experiment.run_directory import PATTERN, writing
from tp_keras.experiment.whole_files import write_whole

try:
    from tp_keras.search import space, tensorboard, trials
    from tp_keras.search.best import experiment_file, is_of_search, train_command
except ModuleNotFoundError as error:
    sys.exit(f'tp_keras.search: needs {error.name}: pip install "tp_keras[search]"')

TRIALS = flags.DEFINE_integer("trials", 60, "Number of configurations to try in all.")
SPACE = flags.DEFINE_string("space", "gin/search/table4.gin", "Where settings are drawn from.")
SEARCH_DIR = flags.DEFINE_string(
    "search_dir", None, "Folder of the search; runs/search/<experiment> if not given."
)
flags.adopt_module_key_flags(train)  # shown by --help among ours
MOST_TRIALS = 10_000


class Report(keras.callbacks.Callback):
    """Reports every epoch to the study, and stops a trial that its pruner drops."""

    def __init__(self, claim):
        super().__init__()
        self.claim, self.pruned = claim, False

    def on_epoch_end(self, epoch, logs=None):
        error = logs.get("val_error", logs["test_error"])
        self.pruned = self.pruned or not self.claim.goes_on(epoch + 1, error)
        self.model.stop_training |= self.pruned  # a callback of the experiment may have set it


@space.quiet_optuna()
def run_next_trial() -> None:
    """Runs a trial and goes on with the next, or writes the best where none is left.

    Raises:
      ValueError: If the command line or a setting is wrong.
    """
    if not 1 <= TRIALS.value <= MOST_TRIALS:
        raise ValueError(f"--trials must be from 1 to {MOST_TRIALS}, received {TRIALS.value}")
    if train.RUN_DIR.value:
        raise ValueError("--run_dir is for one run: name the search's folder by --search_dir")
    folder, found = prepare()
    unit = gin.get_bindings(cli.train)["objective"].unit
    tensorboard.show(folder, found.domains, unit)
    if claim := found.claim():
        run(claim)
        go_on()
    elif found.running():
        say(f"no trial left to start; {found.running()} still run elsewhere")
    else:
        conclude(folder, found.best())


def go_on():
    """Starts again as a new program, since TensorFlow keeps the memory of networks that are gone.

    Standard Keras does too; a search over large networks would grow by one with every trial.
    """
    os.execv(sys.executable, sys.orig_argv)


def prepare() -> "tuple[pathlib.Path, trials.Trials]":
    """Returns the folder of the search, and the trials in it."""
    files = train.GIN_FILE.value
    config.find(SPACE.value, "--space")
    gin.clear_config()
    space.refuse_other_settings(SPACE.value, train.TRUST_GIN_IMPORTS.value)
    configure(files and [*files, SPACE.value], train.overrides())
    experiment = gin.get_bindings(cli.train)
    if experiment["epochs"] < 1:
        raise ValueError(f"--epochs must be at least 1, received {experiment['epochs']}")
    has_inverse = experiment.get("inverse_optimizer") is not None
    domains = space.build_space(experiment["learner"], has_inverse)
    # A run may be continued to more epochs; trials of different lengths do not compare
    settings = {**identity(gin.config_str()), "train.epochs": experiment["epochs"]}
    seed = gin.query_parameter("seed/macro.value")
    folder = search_folder(files, seed)
    bind(space.draw(domains, seed, 0), folder)  # what the run would not read is refused here
    return folder, trials.Trials(folder, TRIALS.value, domains, settings, seed)


def search_folder(files: list[str], seed: int) -> pathlib.Path:
    """Returns the folder of the search.

    Raises:
      ValueError: If trials could not have their run folders in it.
    """
    path = SEARCH_DIR.value
    if path is None:
        path = f"runs/search/{'_'.join(pathlib.Path(file).stem for file in files)}"
    if not is_path(path) or PATTERN.search(path):
        raise ValueError(
            "--search_dir must be the path of a folder and hold none of * ? [ and \\, received "
            f"{path!r}"
        )
    return pathlib.Path(path.replace(cli.SEED, str(seed))).expanduser()


def bind(drawn: dict, run_dir: pathlib.Path) -> None:
    """Gives gin the settings of a trial."""
    settings = [f"{name} = {value!r}" for name, value in drawn.items()]
    run_dir = f"train.run_dir = {str(run_dir)!r}"
    files = [*train.GIN_FILE.value, SPACE.value]  # for what --gin_bindings sets of it
    configure(files, [*train.overrides(), *settings, run_dir])


def configure(files, overrides):
    gin.clear_config()
    config.configure(files, overrides, train.TRUST_GIN_IMPORTS.value)


def run(claim: "trials.ClaimedTrial") -> None:
    """Trains one configuration and records how it ended."""
    bind(claim.parameters, claim.folder)
    report = Report(claim)
    own = gin.get_bindings(cli.train).get("callbacks", ())
    try:
        result = silently(cli.train, callbacks=[*own, lambda: report])
    except Diverged as diverged:
        claim.fail(str(diverged))
        say(f"trial {claim.number}: {diverged}")
    else:
        name, error = selecting(result)
        unit = result["errors_are"]
        words = f"{name} {error:.2f} %" if unit == "%" else f"{name} {error:.4g} ({unit})"
        claim.finish(name, error, words, report.pruned)
        say(f"trial {claim.number}: {words}" + " (pruned)" * report.pruned)


def selecting(result: dict) -> tuple[str, float]:
    """Returns the error that trials are compared by, the held-out one where there is one."""
    held_out = "best_validation_error" in result
    name = "best_validation_error" if held_out else "best_test_error"
    return name.removeprefix("best_").replace("_", " "), result[name]


def silently(function, **arguments):
    """Calls a function without its lines for the user, unless --verbosity=1 asks for them."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(verbosity if verbosity > logging.INFO else logging.WARNING)
    try:
        return function(**arguments)
    finally:
        logging.set_verbosity(verbosity)


def conclude(folder: pathlib.Path, best) -> None:
    """Writes the best configuration as an experiment file, and the report with Figure 5."""
    if best is None:
        say(f"all trials diverged: see trial.json in the folders of {folder}")
        return
    path, error = folder / "best.gin", best.user_attrs["error"]
    seed = gin.query_parameter("seed/macro.value")
    settings = [one for one in train.overrides() if not is_of_search(one)]
    train_it = train_command(path, train.TRUST_GIN_IMPORTS.value)
    text = experiment_file(path, best, train.GIN_FILE.value, settings, SPACE.value, seed, train_it)
    with writing(folder):
        write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))
    say(f"best: trial {best.number}, {error}  {path}")
    say(train_it)
    write_report(folder)


def write_report(folder: pathlib.Path) -> None:
    """Has a process write the report; a signal ends that one too, which then tidies up."""
    command = [sys.executable, "-m", "tp_keras.report"]
    output = None if console.asked_for() else subprocess.DEVNULL
    arguments = [f"--runs={folder}", f"--out={folder / 'report'}"]
    with subprocess.Popen([*command, *arguments], stdout=output) as process:
        try:
            process.wait()
        except KeyboardInterrupt:  # raised for every signal
            process.terminate()
            process.wait()  # `with` itself waits a quarter of a second
            raise


def main(argv):
    return train.outcome("tp_keras.search", run_next_trial)


parse_flags = functools.partial(train.parse_flags, program="tp_keras.search")


if __name__ == "__main__":
    app.run(main, flags_parser=parse_flags)
