"""What a run says to the user."""

import sys

from absl import logging


def show_bar() -> bool:
    """Whether somebody watches: a progress bar is for a terminal, lines are for a log."""
    return sys.stdout.isatty() and logging.get_verbosity() >= logging.INFO


def say(line: str) -> None:
    """Prints a line for the user, unless --verbosity asks for silence."""
    if logging.get_verbosity() >= logging.INFO:
        print(line, flush=True)


def quiet(line: str) -> None:
    """Takes a line and keeps it to itself."""
