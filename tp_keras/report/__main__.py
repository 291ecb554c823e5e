"""Writes the report: `python -m tp_keras.report --runs=runs --out=report`."""

import argparse
import contextlib
import os
import pathlib
import signal
import sys
import tempfile
import traceback

from tp_keras.report import files, formats, tables
from tp_keras.report.cells import by_problem, cells, other_cells
from tp_keras.report.runs import Found, read_runs

UNFORESEEN, BAD_INPUT, CANNOT_WRITE = 1, 2, 4


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the flags in one line."""

    def error(self, message):
        self.exit(BAD_INPUT, f"error: {files.visible(message)}\n")


def write_report(found: Found, out: pathlib.Path) -> None:
    """Writes all tables and figures and `index.html` into `out`, or nothing if drawing fails.

    Raises:
      OSError: If `out` cannot be written.
    """
    from tp_keras.report import angles, figures, page

    chosen, others = cells(found.runs), other_cells(found.runs)
    drawn = figures.figures(chosen, found.runs, others)
    shown = tables.tables(chosen, others)
    of_layers = angles.table(by_problem(chosen, others))
    shown += [of_layers] if of_layers else []
    written = {}
    for table in (table for table in shown if table.cells):
        written[f"{table.name}.md"] = formats.markdown(table).encode()
        written[f"{table.name}.csv"] = formats.as_csv(table).encode()
        written[f"{table.name}.tex"] = formats.latex(table).encode()
    for figure in (figure for figure in drawn if figure.drawing):
        for kind in ("png", "svg"):
            written[f"{figure.name}.{kind}"] = figures.as_bytes(figure, kind)
    pictures = {name: content for name, content in written.items() if name.endswith(".svg")}
    left_out = page.left_out(found.runs, chosen)
    written["index.html"] = page.page(shown, drawn, pictures, found, left_out).encode()
    files.make_folder(out)
    for name, content in written.items():
        files.write(out / name, content)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = Parser(
        "python -m tp_keras.report",
        description="Makes tables and figures of finished runs; OUT/index.html shows all of them.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--runs", default="runs", help="folder of run folders")
    parser.add_argument("--out", default="report", help="folder to write, made if missing")
    flags = parser.parse_args(arguments)
    try:
        lines = report(flags)
    except ValueError as error:
        return _fail(error)
    except OSError as error:
        reason = files.reason(error)
        return _fail(f"--out must be a folder that can be written, received {flags.out} ({reason})")
    except ModuleNotFoundError as error:
        name = (error.name or "matplotlib").partition(".")[0]
        return _fail(f'the report needs {name}: pip install "tp_keras[report]"')
    # A fault of the report itself: its user gets one line too, and what to send us
    except Exception as error:
        return _unforeseen(error)
    return _say(lines)


def report(flags: argparse.Namespace) -> list[str]:
    """Reads the runs and writes the report; returns the lines that say what became of them."""
    # Only the report's extra installs matplotlib: say so before all else
    from tp_keras.report import page

    runs, out = _path("--runs", flags.runs), _path("--out", flags.out)
    _check_out(out)
    found = read_runs(runs)
    for line in found.warnings:
        print(f"warning: {line}", file=sys.stderr)
    write_report(found, out)
    return [files.visible(page.summary(found)), f"report {files.visible(out / 'index.html')}"]


def _say(lines):
    """Prints lines as far as standard output can hold them; returns the exit status."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        for line in lines:
            print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except OSError as error:
        with contextlib.suppress(OSError, ValueError):  # what it still holds would fail at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(f"the report is written, but standard output cannot be ({files.reason(error)})")
        return CANNOT_WRITE
    return 0


def _path(flag, text):
    try:
        path = pathlib.Path(text).expanduser()
    except RuntimeError:
        path = None
    if not text or path is None or "\0" in text:
        raise ValueError(f"{flag} must be a folder, received {text!r}")
    return path


def _check_out(out):
    """Raises ValueError where the report cannot go, before anything is read."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        what = "it is a link" if out.is_symlink() else "it is no folder"
        raise ValueError(
            f"--out must be a folder that can be written, received {files.visible(out)} ({what})"
        )


def _unforeseen(error):
    what = files.visible(f"{type(error).__name__}: {error}", 100)
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="report_", suffix=".txt", delete=False
        ) as file:
            traceback.print_exception(error, file=file)
        where = f"please report it with {file.name}"
    except OSError as reason:
        where = f"its traceback cannot be written ({files.reason(reason)})"
    print(f"error: not foreseen ({what}); {where}", file=sys.stderr)
    return UNFORESEEN


def _fail(reason):
    print(f"error: {files.visible(reason)}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as other programs end behind `| head`
    sys.exit(main())
