"""Writes the report: `python -m tp_keras.report --runs=runs --out=report`."""

import argparse
import pathlib
import sys

from tp_keras.report import formats, page
from tp_keras.report.cells import cells
from tp_keras.report.runs import Found, read_runs
from tp_keras.report.tables import tables

BAD_INPUT = 2


def write_report(found: Found, out: pathlib.Path) -> None:
    """Writes all tables and figures and `index.html` into `out`.

    Raises:
      OSError: If `out` cannot be written.
    """
    # Imported here: drawing needs matplotlib, which only the report's extra installs
    from tp_keras.report import figures

    out.mkdir(parents=True, exist_ok=True)
    chosen = cells(found.runs)
    shown, drawn = tables(chosen), figures.figures(chosen, found.runs)
    for table in shown:
        _write(out / f"{table.name}.md", formats.markdown(table))
        _write(out / f"{table.name}.csv", formats.as_csv(table))
        _write(out / f"{table.name}.tex", formats.latex(table))
    for figure in drawn:
        if figure.drawing:
            figures.write(figure, out)
    _write(out / "index.html", page.page(shown, drawn, found))


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser("python -m tp_keras.report", description=__doc__)
    parser.add_argument("--runs", default="runs", type=pathlib.Path, help="Folder of run folders.")
    parser.add_argument("--out", default="report", type=pathlib.Path, help="Folder to write.")
    flags = parser.parse_args(arguments)
    try:
        found = read_runs(flags.runs)
        for line in found.warnings:
            print(f"warning: {line}", file=sys.stderr)
        write_report(found, flags.out)
    except ValueError as error:
        return _fail(error)
    except OSError as error:
        return _fail(f"--out must be a folder that can be written, received {flags.out} ({error})")
    except ModuleNotFoundError as error:
        return _fail(f"the report needs {error.name}: pip install -e '.[report]'")
    print(page.summary(found))
    print(f"report {flags.out / 'index.html'}")
    return 0


def _write(path, text):
    path.write_text(text, encoding="utf-8")


def _fail(reason):
    print(f"error: {reason}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
