"""Which runs compare with the paper's numbers, and why the others do not."""

import ast

from tp_keras.lines import visible
from tp_keras.report import paper, style
from tp_keras.report.runs import Run


def difference(run: Run) -> str:
    """How what a run learned, or on what, differs from the paper's; empty if it does not.

    What a run does not say is taken for the paper's, but for the number of training examples.
    """
    dataset, net, *_ = run.cell
    if dataset not in paper.TRAIN_EXAMPLES:
        return "not a dataset of the paper"
    if net not in paper.ARCHITECTURES:
        return f"{net}, not a network of the paper"
    return (
        _examples(run, paper.TRAIN_EXAMPLES[dataset])
        or _classes(run.result["classes"], paper.CLASSES[dataset])
        or _pixels(run.whole_number("load.image_size"), paper.IMAGE_SIZE.get(dataset))
        or _layers(run, dataset, net)
        or ("" if run.in_percent or net == "autoencoder" else run.result["errors_are"])
    )


def problem(run: Run) -> str:
    """What a run of other data than the paper's learned: the title of its table and curves."""
    dataset = run.cell[0]
    name, examples = style.dataset(dataset), run.result["train_examples"]
    if dataset in paper.TRAIN_EXAMPLES:
        return f"{name}, {difference(run)}"
    kinds = (
        f"{examples:,} training examples" if examples else "",
        "" if run.in_percent else run.result["errors_are"],
    )
    return ", ".join(part for part in (name, *kinds) if part)


def why_not(run: Run) -> str:
    """Why a run stands for no cell of the paper's tables; empty for one that may."""
    if run.is_trial:
        return "a trial of a search"
    units = paper.AUXILIARY_UNITS.get(run.cell[0])
    if None not in (units, run.auxiliary_units) and run.auxiliary_units != units:
        return f"{run.auxiliary_units} auxiliary outputs, the paper's tables have {units}"
    return difference(run)


def held_out(run: Run) -> str:
    """What a note must say of a run that kept part of its training set apart."""
    examples = run.result["train_examples"]
    if not run.held_out or examples is None:
        return ""
    return f"trained on {examples:,} examples, {run.held_out:,} more held out"


def _examples(run, full):
    said = run.result["train_examples"]
    if said is None:
        return "its result.json does not say train_examples"
    kept = f" ({run.held_out:,} held out)" if run.held_out else ""
    return "" if said + run.held_out == full else f"{said:,} of {full:,} training examples{kept}"


def _classes(said, full):
    return "" if said in (None, full) else f"{said:,} classes, the paper's data have {full:,}"


def _pixels(said, full):
    return "" if None in (said, full) or said == full else f"images of {said} pixels, not {full}"


def _layers(run, dataset, net):
    """Another network under the paper's name, as far as `operative.gin` says it."""
    wanted = {"dense": paper.DENSE.get((dataset, net), [])}
    if net in ("lc", "conv"):
        wanted["local"] = paper.LOCAL[dataset]
    builder = "autoencoder" if net == "autoencoder" else "build"
    for name, layers in wanted.items():
        said = _literal(run.setting(f"{builder}.{name}"))
        if said is not None and said != _plain(layers):
            return visible(f"another network ({name} layers {said})", 80)
    return ""


def _literal(text):
    """A list or tuple as gin writes it; None for what is none."""
    try:
        value = ast.literal_eval(text or "")
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return _plain(value) if isinstance(value, list | tuple) else None


def _plain(value):
    return [_plain(part) if isinstance(part, list | tuple) else part for part in value]
