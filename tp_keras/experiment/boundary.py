"""Checks what gin has read, before anything is built or written.

`gin.finalize` calls `check`. The table of settings says what each may be; configurables that are
not in it are somebody's own, and know themselves what they take.
"""

import inspect

import gin

from tp_keras.experiment.settings import GIVEN, TABLE
from tp_keras.scalars import plain

TRAIN, LOAD, MACRO = "tp_keras.training.train", "tp_keras.data.load", "gin.macro"
KERAS_MODEL = "tp_keras.architectures.keras_model"
# What programs call; all others are called because a setting refers to them
CALLED = (TRAIN, LOAD, "tp_keras.trials.space", "tp_keras.trials.study")
SEARCH = "tp_keras.trials."
FLAGS = {
    "train.epochs": "--epochs",
    "train.seed": "--seed",
    "train.run_dir": "--run_dir",
    "train.strategy": "--strategy",
    "train.num_devices": "--num_devices",
    "train.deterministic": "--deterministic",
    "data.load.data_dir": "--data_dir",
}
SCOPES = {"optimizer": "forward", "inverse_optimizer": "inverse"}  # of what names none itself
LONGEST = 60  # characters of a value, in a message


@gin.config.register_finalize_hook
def check(config: dict[tuple[str, str], dict[str, object]]) -> dict[str, object]:
    """Checks all settings.

    Args:
      config: Values by parameter, by scope and function, as gin hands them to such hooks.

    Returns:
      What gin binds in place of some values: Python's numbers for NumPy's, which it cannot write.

    Raises:
      ValueError: In one line, if a value is not allowed, or a setting is missing or not read.
    """
    for (scope, selector), parameters in config.items():
        for parameter, value in parameters.items():
            _check_value(scope, selector, parameter, _resolved(value, config))
    _check_experiment(config)
    return {
        f"{scope}/{selector}.{parameter}" if scope else f"{selector}.{parameter}": numbers
        for (scope, selector), parameters in config.items()
        for parameter, value in parameters.items()
        if repr(numbers := _plain(value)) != repr(value)
    }


def _plain(value):
    """A value of which every number is Python's own."""
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return plain(value)


def _check_experiment(config):
    """Checks what the settings of an experiment are to one another, where there is one."""
    if "learner" not in config.get(("", TRAIN), ()):
        return  # no experiment: `train` itself says what it lacks
    visited = _visited(config)
    _check_inverses(config)
    _check_rule_of_layers(config)
    _check_missing(config, visited)
    if all(selector in TABLE or selector.startswith("gin.") for _, selector in visited):
        _check_unused(config, visited)


def _check_value(scope, selector, parameter, value):
    if selector not in TABLE or _is_unknown(value):
        return
    name, kind = _name(scope, selector, parameter), TABLE[selector].get(parameter)
    if kind is None:
        raise ValueError(f"there is no setting {name}: leave it out")
    if not kind.allows(value):
        if isinstance(value, dict):  # what is wrong with it is most often a single entry
            value = next(({k: v} for k, v in value.items() if not kind.allows({k: v})), value)
        flag = f" ({FLAGS[name]})" if name in FLAGS else ""
        raise ValueError(f"{name}{flag} must be {kind.words}, received {_shown(value)}")


def _check_inverses(config):
    """A rule with inverses needs an optimizer for them, and no other rule takes one."""
    settings = config["", TRAIN]
    rule = _resolved(settings["learner"], config)
    takes = "inverse_optimizer" in inspect.signature(rule.configurable.wrapped.compile).parameters
    given = _resolved(settings.get("inverse_optimizer"), config) is not None
    if given and not takes:
        raise ValueError(
            f"train.inverse_optimizer must be None where train.learner = {rule}, which learns no "
            "inverses: start from an experiment file of that rule (tp-keras rules lists them)"
        )
    if takes and not given:
        raise ValueError(
            "train.inverse_optimizer must be a reference such as @inverse/adam where "
            f"train.learner = {rule}, which learns inverses; received None"
        )


def _check_rule_of_layers(config):
    """The rule that a Keras model's layers carry out is the learner's, and the record's."""
    settings = config["", TRAIN]
    network = _resolved(settings.get("network"), config)
    if network is None or network.configurable.selector != KERAS_MODEL:
        return
    rule = _resolved(settings["learner"], config)
    wanted = getattr(rule.configurable.wrapped, "rule_name", None)
    wanted = wanted if TABLE[KERAS_MODEL]["rule"].allows(wanted) else None
    keys = _inherited("/".join(network.scopes), KERAS_MODEL)
    bound = [config[key]["rule"] for key in keys if "rule" in config.get(key, ())]
    found = _resolved(bound[-1], config) if bound else None
    if found != wanted:
        raise ValueError(
            f"keras_model.rule must be {wanted!r} where train.learner = {rule}, received {found!r}"
        )


def _check_missing(config, visited):
    for scope, selector in visited:
        if selector.startswith(SEARCH) and ("", selector) not in config:
            continue
        bound = {name for key in _inherited(scope, selector) for name in config.get(key, ())}
        missing = [f"'{name}'" for name in _required(selector) if name not in bound]
        if missing:
            raise ValueError(
                f"{_name(scope, selector)} has no value for {', '.join(missing)}: bind it in the "
                "experiment file"
            )


def _required(selector):
    """The parameters of a function of ours that somebody has to bind."""
    if selector not in TABLE:
        return []
    called = gin.get_configurable(selector)
    signature = inspect.signature(called.__init__ if inspect.isclass(called) else called)
    return [
        name
        for name, parameter in signature.parameters.items()
        if _has_no_value(parameter, TABLE[selector].get(name, GIVEN))
        and name != "run_dir"  # whoever calls `train` may give it
    ]


def _has_no_value(parameter, kind):
    """Whether a parameter that nobody binds is left without a value that it may have."""
    if kind is GIVEN:
        return False
    # A rule takes None for what only keyword arguments can give after its optional objective
    unset = parameter.default is None and not kind.allows(None)
    return parameter.default is parameter.empty or unset


def _check_unused(config, visited):
    read = {key for one in visited for key in _inherited(*one)}
    for scope, selector in sorted(config.keys() - read):
        for parameter in config[scope, selector]:
            name = _name(scope, selector, parameter)
            raise ValueError(f"no part of this run reads the setting {name}: leave it out")


def _visited(config) -> list[tuple[str, str]]:
    """Scope and selector of all that a run calls, found by following references."""
    found, left = [], [("", selector) for selector in CALLED]
    while left:
        key = left.pop()
        if key in found:
            continue
        found.append(key)
        for inherited in _inherited(*key):
            for parameter, value in config.get(inherited, {}).items():
                for reference in gin.config.iterate_references(value):
                    scope = "/".join(reference.scopes) or SCOPES.get(parameter, key[0])
                    left.append((scope, reference.configurable.selector))
    return found


def _inherited(scope, selector):
    """The keys of all bindings that a call within a scope sees: its own, and the scopes' around."""
    parts = scope.split("/") if scope else []
    return [("/".join(parts[:n]), selector) for n in range(len(parts) + 1)]


def _resolved(value, config, seen=()):
    """A value, with what macros stand for in their place."""
    if isinstance(value, list | tuple):
        return type(value)(_resolved(one, config, seen) for one in value)
    if isinstance(value, dict):
        return {key: _resolved(one, config, seen) for key, one in value.items()}
    if not isinstance(value, gin.config.ConfigurableReference):
        return value
    if value.configurable.selector == "gin.constant":
        return value.scoped_configurable_fn()
    if value.configurable.selector != MACRO:
        return value
    if value in seen:
        raise ValueError(f"{value} is circular: it stands for itself")
    found = config.get(value.config_key, {}).get("value")
    return _resolved(found, config, (*seen, value))


def _is_unknown(value):
    """Whether a value is what somebody else's function will return."""
    reference = isinstance(value, gin.config.ConfigurableReference)
    return reference and value.evaluate and value.configurable.selector not in TABLE


def _name(scope, selector, parameter=None):
    """A parameter as an experiment file writes it."""
    if selector == MACRO:
        return scope
    function = "data.load" if selector == LOAD else selector.rpartition(".")[2]
    scoped = f"{scope}/{function}" if scope else function
    return f"{scoped}.{parameter}" if parameter else scoped


def _shown(value):
    """A value in a message: short, and on one line."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no number of more than 4300 digits
        return "a number of too many digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
