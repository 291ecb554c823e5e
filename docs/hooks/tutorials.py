"""Tutorials: one Python script each, which becomes a page and a notebook.

A script consists of cells, `# %% [markdown]` and `# %%`. `python docs/hooks/tutorials.py [NAME ..]`
runs the notebooks and keeps them, with their output, in build/tutorials; a build of the site shows
the output that it finds there, if it is of the script as it stands.
"""

import argparse
import base64
import os
import pathlib
import sys
import time

import jupytext
import nbformat

FOLDER = pathlib.Path(__file__).parents[1] / "tutorials"
REPOSITORY = FOLDER.parents[1]
READABLE = 0.7  # of a figure's own size: smaller than that, it scrolls
EXECUTED = REPOSITORY / "build/tutorials"
UNSEEN = (
    '!!! note "Without output"\n    This copy of the site was built without running the tutorials '
    "(`python docs/hooks/tutorials.py`).\n"
)


def on_files(files, config, **_):
    from mkdocs.structure.files import File

    for script in scripts():
        notebook, seen = executed(script)
        content = page(notebook, script.stem, seen)
        files.append(File.generated(config, f"tutorials/{script.stem}.md", content=content))
        text = nbformat.writes(notebook)
        files.append(File.generated(config, f"tutorials/{script.stem}.ipynb", content=text))
        for name, image in images(notebook, script.stem).items():
            files.append(File.generated(config, f"tutorials/{name}", content=image))
    return files


def scripts() -> list[pathlib.Path]:
    return sorted(FOLDER.glob("*.py"))


def notebook_of(script: pathlib.Path):
    """The notebook of a script, not run; the same one each time."""
    notebook = jupytext.read(script, fmt="py:percent")
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
    }
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{place}"
        cell.metadata = {}
    return notebook


def executed(script: pathlib.Path):
    """The notebook, with output if build/tutorials has it; and whether it has."""
    notebook, file = notebook_of(script), EXECUTED / f"{script.stem}.ipynb"
    if file.exists():
        run = nbformat.read(file, as_version=4)
        if [cell.source for cell in run.cells] == [cell.source for cell in notebook.cells]:
            return run, True
    return notebook, False


def page(notebook, name: str, seen: bool) -> str:
    """The notebook as Markdown."""
    first, *rest = notebook.cells
    parts = [first.source, f"[Download as a notebook]({name}.ipynb){{ .md-button download }}"]
    parts += [] if seen else [UNSEEN]
    for place, cell in enumerate(rest, start=1):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        else:
            parts.append(f"```python\n{cell.source}\n```")
            parts += outputs(cell, f"{name}-{place}")
    return "\n\n".join(parts) + "\n"


def outputs(cell, name: str) -> list[str]:
    """What a cell printed and drew."""
    printed = "".join(out.text for out in cell.get("outputs", []) if out.output_type == "stream")
    parts = [f"```text\n{printed.rstrip()}\n```"] if printed.strip() else []
    for number, data in enumerate(pictures(cell)):
        least = width(data) * READABLE
        parts.append(
            f'![{caption(cell)}]({name}-{number}.png){{ style="min-width: {least:.0f}px" }}'
        )
    start = '<div class="tutorial-output" markdown>'
    return [start, *parts, "</div>"] if parts else []


def caption(cell) -> str:
    """What a cell's figure shows, for those who cannot see it: the comment that it begins with."""
    return cell.source.splitlines()[0].removeprefix("# ")


def width(data: str) -> int:
    """Pixels of a PNG file in base64, which its header has from byte 16 on."""
    return int.from_bytes(base64.b64decode(data[:32])[16:20])


def images(notebook, name: str) -> dict[str, bytes]:
    """The figures of a notebook by the names that its page has for them."""
    return {
        f"{name}-{place}-{number}.png": base64.b64decode(data)
        for place, cell in enumerate(notebook.cells)
        for number, data in enumerate(pictures(cell))
    }


def pictures(cell) -> list[str]:
    found = [out.get("data", {}) for out in cell.get("outputs", [])]
    return [data["image/png"] for data in found if "image/png" in data]


def run(script: pathlib.Path) -> float:
    """Runs a notebook from top to bottom, and keeps it; returns the seconds it took."""
    from nbclient import NotebookClient

    started, notebook = time.time(), notebook_of(script)
    # As where the package is installed; no line of the kernel's own in the output
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    environment = {"PYTHONPATH": path, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    os.environ |= environment
    EXECUTED.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(notebook, timeout=600, startup_timeout=300, kernel_name="python3")
    client.execute(cwd=str(EXECUTED))
    complaints = [
        out.text
        for cell in notebook.cells
        for out in cell.get("outputs", [])
        if out.output_type == "stream" and out.name == "stderr"
    ]
    if complaints:
        raise SystemExit(f"{script.name} writes to stderr: {''.join(complaints)}")
    for cell in notebook.cells:
        cell.metadata = {}
    nbformat.write(notebook, EXECUTED / f"{script.stem}.ipynb")
    return time.time() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="which to run, such as sdtp_digits; all if none")
    names = parser.parse_args().names
    for script in scripts():
        if not names or script.stem in names:
            print(f"{script.stem}: {run(script):.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
