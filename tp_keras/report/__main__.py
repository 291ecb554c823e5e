"""Writes the report: `python -m tp_keras.report --runs=runs --out=report`."""

import argparse
import contextlib
import os
import pathlib
import signal
import sys
import tempfile
import traceback

from tp_keras.lines import complain, show, visible
from tp_keras.report import files, formats, tables
from tp_keras.report.cells import by_problem, cells, other_cells
from tp_keras.report.runs import Found, read_runs

UNFORESEEN, BAD_INPUT = 1, 2
SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
UNWRITTEN = "error: the report is written, but standard output cannot be"


class Stopped(BaseException):
    """Raised where a signal comes, as KeyboardInterrupt is by Ctrl-C."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the flags in one line."""

    def error(self, message):
        complain("error", message)
        self.exit(BAD_INPUT)


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
    files.remove_partials(out)
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
        runs, out = _path("--runs", flags.runs), _path("--out", flags.out)
        with _signals_raised(out):
            lines = report(runs, out)
    except Stopped as stopped:
        return _stopped(stopped.args[0], out)
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
    return show("\n".join(lines), UNWRITTEN)


def report(runs: pathlib.Path, out: pathlib.Path) -> list[str]:
    """Reads the runs and writes the report; returns the lines that say what became of them."""
    # Only the report's extra installs matplotlib: say so before all else
    from tp_keras.report import page

    _check_out(out)
    found = read_runs(runs)
    for line in found.warnings:
        print(f"warning: {line}", file=sys.stderr)
    write_report(found, out)
    return [visible(page.summary(found)), f"report {visible(out / 'index.html')}"]


@contextlib.contextmanager
def _signals_raised(out):
    """Within, a signal raises `Stopped`, and a second one ends the process at once.

    Under `nohup` SIGHUP does nothing, as it is asked to.
    """
    found = {number: signal.getsignal(number) for number in SIGNALS}
    watched = [number for number, handler in found.items() if handler != signal.SIG_IGN]

    def first(number, frame):
        for one in watched:
            signal.signal(one, second)
        raise Stopped(number)

    def second(number, frame):
        os._exit(_stopped(number, out))

    for number in watched:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number in watched:
            signal.signal(number, found[number])


def _stopped(number, out):
    files.remove_partials(out)
    line = f"error: {SIGNALS[number]}: the report is not whole; the same command makes it anew"
    print(line, file=sys.stderr, flush=True)
    return 128 + number


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
            f"--out must be a folder that can be written, received {visible(out)} ({what})"
        )


def _unforeseen(error):
    what = visible(f"{type(error).__name__}: {error}", 100)
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
    complain("error", reason)
    return BAD_INPUT


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as other programs end behind `| head`
    sys.exit(main())
