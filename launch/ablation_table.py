"""Prints what `launch/ablation.sh` measured as a Markdown table: `ablation_table.py RUNS`."""

import json
import pathlib
import sys


def outcome(folder: pathlib.Path) -> str:
    """Best and final test error of a run in percent, or how it ended."""
    result = folder / "result.json"
    if result.exists():
        numbers = json.loads(result.read_text())
        return f"{numbers['best_test_error']:.2f} | {numbers['final_test_error']:.2f}"
    if not (folder / "status").exists():
        return " | "
    diverged = (folder / "status").read_text().strip() == "3"
    return "diverged | diverged" if diverged else "failed | failed"


def main(runs: pathlib.Path) -> None:
    rules = ("sdtp", "dtp")
    names = sorted({folder.name for rule in rules for folder in (runs / rule).iterdir()})
    print("| setting | SDTP best | SDTP last | DTP best | DTP last |\n|---|---|---|---|---|")
    for name in names:
        print(f"| {name} | {' | '.join(outcome(runs / rule / name) for rule in rules)} |")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
