"""The program `tp-keras`, also `python -m tp_keras`: runs a command of the package."""

import runpy
import sys

import tp_keras
from tp_keras.commands import COMMANDS, PROGRAM
from tp_keras.lines import show

BAD_INPUT = 2
MODULES = {name: f"tp_keras.{name}" for name in COMMANDS}


def usage() -> str:
    """The text of --help."""
    lines = [f"  {name:<8}{does}" for name, does in COMMANDS.items()]
    return "\n".join([f"usage: {PROGRAM} COMMAND [FLAG...]", "", *lines]) + (
        f"\n\n{PROGRAM} COMMAND --help shows the flags of a command, such as --verbosity.\n"
        f"{PROGRAM} train is python -m tp_keras.train; so are the others."
    )


def main() -> int:
    """Runs a command as `python -m` would; returns the exit status."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name in ("--help", "-h", "help"):
        return show(usage())
    if name == "--version":
        return show(f"{PROGRAM} {tp_keras.__version__}")
    if name not in MODULES:
        line = f"{PROGRAM}: no command {name[:60]!r}: give one of {', '.join(MODULES)}"
        print(line, file=sys.stderr)
        return BAD_INPUT
    del sys.argv[1]
    runpy.run_module(MODULES[name], run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
