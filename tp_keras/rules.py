"""Lists the learning rules: `tp-keras rules`, `python -m tp_keras.rules`."""

import argparse
import shutil
import signal
import sys
import textwrap

import keras
from gin import config_parser

from tp_keras import learners
from tp_keras.experiment import config
from tp_keras.lines import show


def describe_rules() -> dict[str, str]:
    """Returns the first line of every rule's module, by the rule's name in gin."""
    classes = (getattr(learners, name) for name in learners.__all__)
    # The rules are registered with Keras, to be saved; their base classes are not
    found = [one for one in classes if keras.saving.get_registered_name(one) != one.__name__]
    return {one.__name__: sys.modules[one.__module__].__doc__.splitlines()[0] for one in found}


def learner_of(path: str) -> str | None:
    """Returns the name of the rule that an installed experiment file trains by, or None."""
    found = None
    for statement in config.statements((config.INSTALLED / path).read_text(encoding="utf-8")):
        if isinstance(statement, config_parser.IncludeStatement):
            found = learner_of(statement.filename) or found
        elif getattr(statement, "arg_name", None) == "learner" and statement.selector == "train":
            found = statement.value.removeprefix("@")
    return found


def list_experiments() -> dict[str, list[str]]:
    """Returns the installed experiment files of every rule that has any."""
    found = {}
    for file in sorted((config.INSTALLED / "gin").glob("*.gin")):
        path = f"gin/{file.name}"
        found.setdefault(learner_of(path), []).append(path)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Prints the list; returns the exit status."""
    argparse.ArgumentParser("tp-keras rules", description=__doc__).parse_args(arguments)
    files, width = list_experiments(), min(shutil.get_terminal_size((100, 24)).columns, 100)
    lines, indent = [], " " * 14
    for name, line in describe_rules().items():
        lines.append(f"{name:<14}{line}")
        text = " ".join(files.get(name, ["(no experiment file)"]))
        lines.append(textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent))
    return show("\n".join(lines))


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as other programs end behind `| head`
    sys.exit(main())
