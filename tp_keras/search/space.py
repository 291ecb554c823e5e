"""The search space: the domain of every setting, and what each trial draws from it."""

import contextlib
import inspect
import warnings

import gin
import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from tp_keras import learners
from tp_keras.experiment import config
from tp_keras.experiment.bindings import parse_bindings
from tp_keras.experiment.boundary import TRAIN
from tp_keras.search.best import OF_SEARCH


@gin.configurable("space", module="tp_keras.trials")
def build_space(
    learner: type, has_inverse: bool, log_uniform: dict, uniform: dict, choices: dict
) -> dict[str, BaseDistribution]:
    """Returns the domain of every setting that an experiment reads, by the setting's name in gin.

    Args:
      learner: The rule; a name without a dot is a parameter of its own.
      has_inverse: Whether the experiment has an optimizer of inverses.
      log_uniform: `(low, high)` of settings that are drawn uniformly in their logarithm.
      uniform: `(low, high)` of settings that are drawn uniformly.
      choices: The values of settings that have a few.

    Raises:
      ValueError: If there is no such setting, whatever the rule.
    """
    for name in [*uniform, *choices]:
        if (name in log_uniform) + (name in uniform) + (name in choices) > 1:
            raise ValueError(f"the search space must draw a setting once, received {name!r} twice")
    domains = {k: FloatDistribution(*bounds, log=True) for k, bounds in log_uniform.items()}
    domains |= {k: FloatDistribution(*bounds) for k, bounds in uniform.items()}
    domains |= {k: CategoricalDistribution(_as_read(v)) for k, v in choices.items()}
    refuse_unknown(domains, learner)
    own = parameters(learner)
    found = {}
    for name, domain in domains.items():
        if "." in name and (has_inverse or not name.startswith("inverse/")):
            found[name] = domain
        elif name in own:
            found[f"{learner.__name__}.{name}"] = domain
    return found


def refuse_unknown(names, learner: type) -> None:
    """Raises ValueError at the first name that is a setting of nothing that gin knows.

    A name without a dot may be a parameter of any rule: a space serves them all.
    """
    rules = (learner, *(getattr(learners, name) for name in learners.__all__))
    of_rules = {parameter for rule in rules for parameter in parameters(rule)}
    for name in names:
        if "." not in name and name not in of_rules:
            allowed = ", ".join(sorted(of_rules - {"self", "network", "objective", "name"}))
            raise ValueError(
                f"the search space must name parameters of rules ({allowed}) or settings with "
                f"their dot, received {name!r}"
            )
        if "." in name:
            try:
                key = gin.config.ParsedBindingKey.parse(name)
            except (ValueError, TypeError) as error:
                raise ValueError(f"the search space: {name}: {error}") from error
            if (key.complete_selector, key.arg_name) == (TRAIN, "run_dir"):
                raise ValueError(f"the search space must leave out {name}: each trial has its own")


def refuse_other_settings(path: str, trust: bool) -> None:
    """Raises ValueError where a space sets what the file of the best would not repeat."""
    config.configure([path], [], trust)
    for name in parse_bindings(gin.config_str()):
        of_macro = "." not in name and name != "seed"
        if not of_macro and not name.rpartition(".")[0].endswith(OF_SEARCH):
            raise ValueError(
                f"--space must set {', '.join(OF_SEARCH)} alone, received {name} in {path}: "
                "give it by --gin_bindings"
            )


def parameters(learner: type) -> set[str]:
    """Returns the names of a rule's parameters."""
    return set(inspect.signature(learner.__init__).parameters)


def draw(domains: dict, seed: int, number: int) -> dict:
    """Returns the settings of one trial, by Optuna's random sampler."""
    entropy = [abs(seed), number, *[1] * (seed < 0)]  # SeedSequence takes no negative numbers
    (key,) = np.random.SeedSequence(entropy).generate_state(1)
    sampler = optuna.samplers.RandomSampler(seed=int(key))
    return optuna.create_study(sampler=sampler).ask(domains).params


@contextlib.contextmanager
def quiet_optuna():
    """Suppresses Optuna's notes, and its warning of choices that are lists, which it does keep."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Choices for a categorical distribution")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def _as_read(choices):
    """Choices as a journal gives them back, which knows no tuples."""
    return [_as_read(one) if isinstance(one, list | tuple) else one for one in choices]
