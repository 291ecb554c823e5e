"""Lists the learning rules: `tp-keras rules`, `python -m tp_keras.rules`."""

import argparse
import sys
import textwrap

import keras
from gin import config_parser

from tp_keras import config, learners


def rules() -> dict[str, str]:
    """Returns what every rule is, the first line of its module, by the name that gin has for it."""
    classes = (getattr(learners, name) for name in learners.__all__)
    # Registered with Keras are those that can be saved: the rules, not what they derive from
    found = [one for one in classes if keras.saving.get_registered_name(one) != one.__name__]
    return {one.__name__: sys.modules[one.__module__].__doc__.splitlines()[0] for one in found}


def learner(path: str) -> str | None:
    """Returns the name of the rule that an installed experiment file trains by, or None."""
    found = None
    for statement in config.statements((config.INSTALLED / path).read_text(encoding="utf-8")):
        if isinstance(statement, config_parser.IncludeStatement):
            found = learner(statement.filename) or found
        elif getattr(statement, "arg_name", None) == "learner" and statement.selector == "train":
            found = statement.value.removeprefix("@")
    return found


def experiments() -> dict[str, list[str]]:
    """Returns the installed experiment files of every rule that has any."""
    found = {}
    for file in sorted((config.INSTALLED / "gin").glob("*.gin")):
        path = f"gin/{file.name}"
        found.setdefault(learner(path), []).append(path)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Prints the list; returns the exit status."""
    argparse.ArgumentParser("tp-keras rules", description=__doc__).parse_args(arguments)
    files = experiments()
    for name, line in rules().items():
        print(f"{name:<14}{line}")
        text = " ".join(files.get(name, ["(no experiment file)"]))
        indent = " " * 14
        print(textwrap.fill(text, 100, initial_indent=indent, subsequent_indent=indent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
