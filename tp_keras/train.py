"""Trains a network: `python -m tp_keras.train --gin_file=gin/quickstart.gin`."""

import errno
import os
import pathlib
import re
import sys
from collections.abc import Callable

import gin
import tensorflow as tf
from absl import app, flags, logging

from tp_keras.distribution.strategy import LOST_WORKER, STRATEGIES, WorkerMissing
from tp_keras.experiment import cli, preemption, unforeseen
from tp_keras.experiment.callbacks import Diverged
from tp_keras.experiment.config import configure, one_line
from tp_keras.experiment.run_directory import CannotWrite
from tp_keras.lines import CANNOT_WRITE, complain, forget_output, show

# Parts of TensorFlow's messages about a lost worker, and what they mean
LOSSES = {
    "heartbeat": "it no longer answers",
    "reset by peer": "its process ended",
    "socket closed": "its process ended",
    "broken pipe": "its process ended",
    "failed to connect": "it cannot be reached",
    "connection refused": "it cannot be reached",
}
# Errors of a write that are no mistake of the program: a full disk, a pipe that nobody reads
NO_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EPIPE, errno.EIO)
# What a flag must be where absl gives Python's words about it
PYTHONS_WORDS = {
    "a whole number": r"invalid literal for int\(\)",
    "true or false": r"\('Non-boolean argument",
}
UNFORESEEN, BAD_INPUT, DIVERGED, LOST = 1, 2, 3, 5

GIN_FILE = flags.DEFINE_multi_string("gin_file", [], "Experiment file, such as gin/quickstart.gin.")
GIN_BINDINGS = flags.DEFINE_multi_string(
    "gin_bindings", [], "A setting that overrides the file's, such as 'SDTP.noise_stddev = 0.1'."
)
TRUST_GIN_IMPORTS = flags.DEFINE_bool(
    "trust_gin_imports", False, "Carry out the import lines of gin files, which run any code."
)
RUN_DIR = flags.DEFINE_string("run_dir", None, "Run folder; runs/<experiment>/<seed> if not given.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of TensorFlow Datasets.")
EPOCHS = flags.DEFINE_integer("epochs", None, "Epochs to train, in place of the file's number.")
SEED = flags.DEFINE_integer("seed", None, "Seed of weights, order and noise; 0 if not given.")
STRATEGY = flags.DEFINE_enum("strategy", None, STRATEGIES, "Which devices train; auto finds out.")
NUM_DEVICES = flags.DEFINE_integer(
    "num_devices", None, "Devices of this machine: GPUs, or parts of the CPU to try it out."
)
DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", None, "Same bits each time, also on GPUs, where that is slower."
)
flags.declare_key_flag("verbosity")  # absl's own, shown by --help among ours


def overrides() -> list[str]:
    """Returns the settings of --gin_bindings, then those that the other flags set."""
    bound = {
        "seed": SEED.value,
        "train.epochs": EPOCHS.value,
        "train.run_dir": RUN_DIR.value,
        "train.strategy": STRATEGY.value,
        "train.num_devices": NUM_DEVICES.value,
        "train.deterministic": DETERMINISTIC.value,
        "data.load.data_dir": DATA_DIR.value,
    }
    given = [f"{name} = {value!r}" for name, value in bound.items() if value is not None]
    return [*GIN_BINDINGS.value, *given]


def main(argv):
    if logging.get_verbosity() < logging.DEBUG:  # TensorFlow logs at our level
        logging.get_absl_handler().setLevel("ERROR")
        tf.get_logger().setLevel("ERROR")
    return outcome("tp_keras.train", configure_and_train)


def configure_and_train() -> None:
    configure(GIN_FILE.value, overrides(), TRUST_GIN_IMPORTS.value)
    if "run_dir" not in gin.get_bindings("train"):
        experiment = pathlib.Path(GIN_FILE.value[0]).stem
        with gin.unlock_config():
            gin.bind_parameter("train.run_dir", f"runs/{experiment}/{cli.SEED}")
    cli.train()


def outcome(program: str, run: Callable[[], None]) -> int:
    """Runs a program; an exception becomes one line on standard error and an exit status."""
    watch = preemption.Preemption(at_once=True)
    try:
        with watch.watched():
            run()
    except KeyboardInterrupt:
        status = watch.status
        line = f"{watch.name}: stopped; the same command resumes, or starts where nothing was saved"
    except Diverged as error:
        status, line = DIVERGED, f"{one_line(error)}; the run folder is kept"
    except CannotWrite as error:
        status = CANNOT_WRITE
        line = (
            f"the run folder can no longer be written: {one_line(error)}; the same command resumes "
            "from what is there"
        )
    except LOST_WORKER as error:
        status = LOST
        line = f"another worker is gone ({reason(error)}); start all again to resume"
    except preemption.Preempted as error:
        status, line = error.status, f"{one_line(error)}; the same command resumes"
    except (ValueError, TypeError) as error:
        if logging.get_verbosity() >= logging.DEBUG:
            raise
        status, line = BAD_INPUT, one_line(error)
    # A fault of ours: its user gets one line too, and what to send us
    except Exception as error:
        if logging.get_verbosity() >= logging.DEBUG:
            raise
        if has_no_place(error):
            status = CANNOT_WRITE
            line = f"cannot write: {one_line(error)[:200]}; the same command resumes"
            forget_output()
        else:
            status, line = UNFORESEEN, unforeseen.describe(error)
    else:
        return 0
    complain(program, line)
    return status


def has_no_place(error: Exception) -> bool:
    """Whether an error is of a file, or of standard output, that cannot be written any more."""
    # By its text: gin's copy of an error has no number
    words = (os.strerror(number) for number in NO_PLACE)
    written = isinstance(error, (OSError, tf.errors.OpError))
    return written and any(word in str(error) for word in words)


def reason(error: Exception) -> str:
    """Returns why workers stopped working together, in one line."""
    if isinstance(error, WorkerMissing):
        return one_line(error)
    text = str(error)
    worker = re.search(r"/job:worker/(?:replica:\d+/)?task:(\d+)", text)
    why = next((w for sign, w in LOSSES.items() if sign in text.lower()), type(error).__name__)
    return f"number {worker[1]}, counted from the chief's 0: {why}" if worker else why


def in_words(error: Exception) -> str:
    """Returns what is wrong with a command line, without Python's prefixes."""
    for what, absl_says in PYTHONS_WORDS.items():
        if value := re.fullmatch(rf"flag (--\w+)=(.*): {absl_says}.*", str(error), re.S):
            return f"{value[1]} must be {what}, received {value[2][:60]!r}"
    text = str(error)  # absl repeats a value whole
    return text if len(text) <= 250 else f"{text[:150]}...{text[-90:]}"


def parse_flags(argv: list[str], program: str = "tp_keras.train") -> list[str]:
    """Parses the command line; a mistake in it is bad input like any other."""
    try:
        left = flags.FLAGS(argv)
        if len(left) > 1:
            raise ValueError(f"unexpected argument {left[1]!r}: flags begin with --")
        return left
    except (flags.Error, ValueError) as error:  # the latter of --noflag=value
        complain(program, in_words(error))
        sys.exit(BAD_INPUT)
    except (SystemExit, OSError):  # absl has shown the help that was asked for, and ends with 1
        sys.exit(show(""))


if __name__ == "__main__":
    app.run(main, flags_parser=parse_flags)
