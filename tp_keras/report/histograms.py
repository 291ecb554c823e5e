"""Figure 5: the random search's accuracies, by dataset, net and rule."""

import math
import statistics

from matplotlib.figure import Figure

from tp_keras.report import style
from tp_keras.report.curves import Drawing
from tp_keras.report.panels import new_figure
from tp_keras.report.runs import Run

BINS = 20
MOST = 24  # rows, and columns, of a figure


def search_histograms(runs: list[Run], lines: style.Lines) -> Drawing | None:
    """Best test accuracy of each trial: a column for a dataset and net, a row for a rule."""
    trials = {}
    for run in runs:
        if run.is_trial and run.in_percent:  # a squared error is no accuracy
            trials.setdefault(run.cell, []).append(run)
    if not trials:
        return None
    return Drawing(_draw(trials, lines), [run for group in trials.values() for run in group])


def _draw(trials, lines) -> Figure:
    problems = sorted({cell[:2] for cell in trials}, key=_problem_order)[:MOST]
    rules = sorted({cell[2:] for cell in trials if cell[:2] in problems}, key=_rule_order)[:MOST]
    figure = new_figure(max(4.5, 0.6 + 2.2 * len(problems)), 0.7 + 1.05 * len(rules))
    grid = figure.subplots(len(rules), len(problems), squeeze=False, sharex="col")
    for column, problem in zip(grid.T, problems, strict=True):
        bins = _bins(trials, problem)
        for axes, rule in zip(column, rules, strict=True):
            _histogram(axes, _accuracies(trials, problem, rule), lines("", *rule)["color"], bins)
        dataset, net = problem
        name = f"{style.dataset(dataset)} {style.net(net)}"
        column[0].set_title(name, pad=16)
        column[-1].set_xlabel("best test accuracy (%)")
    for row, rule in zip(grid, rules, strict=True):
        row[0].set_ylabel(style.label("", *rule).replace(", ", "\n") + "\n(trials)")
    return figure


def _rule_order(rule):
    return style.order("", *rule)


def _problem_order(problem):
    dataset, net = problem
    names = list(style.DATASETS)
    return names.index(dataset) if dataset in names else len(names), dataset, net


def _accuracies(trials, problem, rule):
    return [100 - run.result["best_test_error"] for run in trials.get((*problem, *rule), [])]


def _bins(trials, problem):
    """Edges over the accuracies of all rules on a problem, so that rows compare."""
    rules = [cell[2:] for cell in trials if cell[:2] == problem]
    values = [value for rule in rules for value in _accuracies(trials, problem, rule)]
    low, high = math.floor(min(values)), math.ceil(max(values))
    return [low + max(high - low, 1) * i / BINS for i in range(BINS + 1)]


def _histogram(axes, values, colour, bins):
    axes.hist(values, bins, color=colour, edgecolor="white", linewidth=0.4)
    axes.yaxis.get_major_locator().set_params(integer=True, nbins=3)
    axes.set_ylim(0, None if values else 1)
    text = f"{len(values)} trials, median {statistics.median(values):.1f}" if values else "no trial"
    axes.annotate(text, (0, 1.03), xycoords="axes fraction", fontsize=7)
