"""The commands of this package, and which of them this process is."""

import os
import signal
import sys
from collections.abc import Sequence

PROGRAM = "tp-keras"
COMMANDS = {
    "train": "trains a network by the settings of an experiment file",
    "search": "draws settings at random, trains each, and writes down the best",
    "report": "makes tables and figures of finished runs",
    "rules": "lists the learning rules and the experiments that use them",
}
WITHOUT_TENSORFLOW = ("report",)


def is_program(original: Sequence[str] = sys.orig_argv, given: Sequence[str] = sys.argv) -> bool:
    """Whether this process is one of the commands; arguments as `needs_tensorflow` takes them."""
    program = original[-len(given)] if given else ""
    modules = {"tp_keras", *(f"tp_keras.{name}" for name in COMMANDS)}
    return program in modules or os.path.basename(program) == PROGRAM


def end_without_traceback() -> None:
    """Has Ctrl-C end a command at once, as SIGTERM does, until it handles signals itself.

    Importing TensorFlow takes seconds, and Python's traceback of it a screen.
    """
    if is_program() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def needs_tensorflow(
    original: Sequence[str] = sys.orig_argv, given: Sequence[str] = sys.argv
) -> bool:
    """Whether this process is anything but a command that never uses TensorFlow.

    Importing TensorFlow takes longer than such a command runs.

    Args:
      original: The command line as Python was started, `sys.orig_argv`.
      given: As the program gets it, `sys.argv`: under `-m` it lacks the module's name.
    """
    if not given:
        return True
    program, *arguments = original[-len(given) :]
    if program == "tp_keras.report":
        return False
    if program != "tp_keras" and os.path.basename(program) != PROGRAM:
        return True
    name = arguments[0] if arguments else None
    return name in COMMANDS and name not in WITHOUT_TENSORFLOW
