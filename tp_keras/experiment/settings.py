"""The table of settings: what every parameter that an experiment file can bind may be."""

import math
import re

import gin

from tp_keras.architectures import BY_LAYERS
from tp_keras.experiment.keras_settings import KERAS, RATE_OR_SCHEDULE, SIZE
from tp_keras.experiment.kinds import (
    CHECKPOINTS,
    FLAG,
    GIVEN,
    Kind,
    domains,
    is_path,
    number,
    one_of,
    optional,
    several,
    whole,
)

OPTIMIZER_MODULES = "tp_keras.optimizers.", "keras.optimizers."
LARGEST_SEED = 2**63 - 1
GOLDEN = 0.6180339887
# Elementwise nonlinearities: a rule that multiplies by a slope can train no others
ACTIVATIONS = (
    *("tanh", "linear", "relu", "sigmoid", "softplus", "softsign", "elu", "selu", "gelu", "silu"),
    *("swish", "mish", "celu", "relu6", "leaky_relu", "hard_sigmoid", "hard_tanh", "soft_shrink"),
    *("tanh_shrink", "log_sigmoid", "squareplus"),
)
DTYPES = ("float32", "mixed_bfloat16")
MEASURED = ("loss", "error", "top5_error")
MONITORED = (*(f"{part}{name}" for part in ("", "test_", "val_") for name in MEASURED),)


def reference(module: str | tuple[str, ...], example: str, evaluated: bool = False) -> Kind:
    """A reference to a configurable of one of our modules, or of somebody else's."""

    def allows(value):
        if not isinstance(value, gin.config.ConfigurableReference):
            return False
        selector = value.configurable.selector
        ours = selector in TABLE and not selector.startswith(module)
        return value.evaluate == evaluated and not ours

    return Kind(f"a reference such as {example}", allows)


def is_row(value) -> bool:
    """Whether a value describes a local layer."""
    kinds = whole(1, 1024), UNITS, whole(1, 1024)
    if not isinstance(value, list | tuple) or len(value) != len(kinds):
        return False
    return all(kind.allows(part) for kind, part in zip(kinds, value, strict=True))


def is_interval(name, drawn, low=-math.inf) -> bool:
    """Whether a setting of that name may be drawn between two numbers."""
    if not isinstance(drawn, list | tuple) or len(drawn) != 2 or not all(map(FINITE.allows, drawn)):
        return False
    inner = drawn[0] + GOLDEN * (drawn[1] - drawn[0])  # no whole number, unless both are one
    return low < drawn[0] <= drawn[1] and are_values(name, [*drawn, inner])


def are_values(name, drawn) -> bool:
    """Whether a setting of that name may have each of some values."""
    found = kinds_of(name)
    if not isinstance(drawn, list | tuple) or not drawn:
        return False
    return any(all(map(kind.allows, drawn)) for kind in found)


def kinds_of(name: str) -> list[Kind]:
    """The rows of the table that a search space means: `scope/function.parameter`, or a rule's."""
    function, _, parameter = name.rpartition(".")
    function = function.rpartition("/")[2]
    rows = [
        row
        for selector, row in TABLE.items()
        if (f".{selector}".endswith(f".{function}") if function else ".learners." in selector)
    ]
    return [row[parameter] for row in rows if row.get(parameter) not in (None, GIVEN)]


FINITE = number(-1e30, 1e30)
SEED = whole(-LARGEST_SEED, LARGEST_SEED)
UNITS = whole(1, 65536)
EPOCHS = whole(0, 1_000_000)
PATH = Kind("the path of a folder", is_path)
DENSE = several(UNITS, "units from 1 to 65536", "[256, 256]")
LABEL = Kind(
    "letters, digits and -._, at most 40",
    lambda v: isinstance(v, str) and bool(re.fullmatch(r"[\w.-]{1,40}", v)),
)
SPLIT = Kind(
    "a split or a part of one, such as 'train' or 'train[:90%]'",
    lambda v: isinstance(v, str) and bool(re.fullmatch(r"[\w\[\]:%+-]{1,100}", v)),
)
DATASET = Kind(
    "the name of a dataset, such as 'mnist', 'imagenette/320px-v2', 'mnist_5k' or 'npz:PATH'",
    lambda v: (
        isinstance(v, str)
        and (is_path(v[4:]) if v.startswith("npz:") else re.fullmatch(r"[\w./:*+-]{1,200}", v))
    ),
)
ACTIVATION = Kind(
    "an elementwise activation of Keras, such as 'tanh', 'relu' or 'linear'",
    lambda v: isinstance(v, str) and v in ACTIVATIONS,
)
BUILDER = {"input_shape": GIVEN, "classes": GIVEN}
RULE = {"network": GIVEN, "objective": GIVEN, "inverses": GIVEN, "name": GIVEN}
TARGETS = {
    **RULE,
    "noise_stddev": number(0, 1000),
    "inverse_activation": ACTIVATION,
    "inverse": one_of("paired", "wide", "dense"),
    "reduction": one_of("sum", "mean"),
    "seed": SEED,
}
ALPHA = number(0, 1000)
CALLBACK = {
    "monitor": one_of(*MONITORED, "inverse_loss"),
    "min_delta": number(0, 1e6),
    "patience": EPOCHS,
    "verbose": one_of(0, 1),
    "mode": one_of("auto", "min", "max"),
}

# Parameters by function, under the name that gin knows the function by
TABLE = {
    **KERAS,
    "tp_keras.training.train": {
        "run_dir": PATH,
        "architecture": LABEL,
        "network": reference("tp_keras.architectures.", "@build"),
        "objective": reference("tp_keras.objectives.", "@SoftmaxCrossEntropy"),
        "learner": reference("tp_keras.learners.", "@SDTP"),
        "optimizer": reference(OPTIMIZER_MODULES, "@forward/adam"),
        "inverse_optimizer": optional(reference(OPTIMIZER_MODULES, "@inverse/adam")),
        "schedule": optional(reference("tp_keras.schedules.", "@Parallel")),
        "epochs": EPOCHS,
        "seed": SEED,
        "paper_error": optional(number(0, 1e6)),
        "paper_dataset": optional(LABEL),
        "wait_minutes": number(0, 1e6, above=True),
        "steps_per_execution": whole(1, 100_000),
        "jit_compile": FLAG,
        "callbacks": several(
            reference(("keras.callbacks.", "tp_keras.diagnostics."), ""),
            "references",
            "[@Diagnostics]",
        ),
        "strategy": one_of("auto", "default", "mirrored", "multi_worker"),
        "num_devices": optional(whole(1, 64)),
        "deterministic": FLAG,
        "checkpoint_steps": CHECKPOINTS["steps"],
        "checkpoint_minutes": CHECKPOINTS["minutes"],
        "keep_checkpoints": CHECKPOINTS["keep"],
    },
    "tp_keras.data.load": {
        "name": DATASET,
        "batch_size": whole(1, 1_000_000),
        "data_dir": optional(PATH),
        "validation_examples": whole(0, 10**9),
        "scaling": one_of("unit", "standardised"),
        "label": one_of("class", "image"),
        "image_size": optional(whole(1, 4096)),
        "crop_padding": whole(0, 4096),
        "flip": one_of("left_right", "up_down", None),
        "drop_remainder": FLAG,
        "seed": SEED,
        "train_split": SPLIT,
        "test_split": optional(SPLIT),
        "image_feature": LABEL,
        "label_feature": LABEL,
        "broken_photographs": one_of("stop", "skip"),
    },
    "tp_keras.architectures.build": {
        "input_shape": GIVEN,
        "classes": GIVEN,
        "local": several(
            Kind("", is_row),
            "(kernel_size, channels, stride), sizes and strides from 1 to 1024, channels to 65536",
            "[(3, 32, 2)]",
        ),
        "dense": DENSE,
        "shared_weights": FLAG,
        "activation": ACTIVATION,
        "orthogonal": FLAG,
        "dtype": one_of(*DTYPES, None),
    },
    "tp_keras.architectures.autoencoder": {
        "input_shape": GIVEN,
        "classes": GIVEN,
        "dense": DENSE,
        "activation": ACTIVATION,
        "dtype": one_of(*DTYPES, None),
    },
    "tp_keras.architectures.keras_model": {
        **BUILDER,
        "builder": reference("tp_keras.keras_models.", "@resnet20"),
        "rule": one_of(*BY_LAYERS, None),
    },
    "tp_keras.keras_models.lenet": {**BUILDER, "activation": ACTIVATION},
    "tp_keras.keras_models.vgg": {
        **BUILDER,
        "filters": several(UNITS, "channels from 1 to 65536", "[32, 64, 128]"),
        "dense": UNITS,
    },
    "tp_keras.keras_models.resnet20": {**BUILDER, "momentum": number(0, 1, below=True)},
    "tp_keras.optimizers.adam": {
        "learning_rate": RATE_OR_SCHEDULE,
        "beta_1": number(0, 1, below=True),
        "beta_2": number(0, 1, below=True),
        "epsilon": number(0, 1, above=True),
        "epsilon_form": one_of("tensorflow", "paper"),
        "weight_decay": optional(SIZE),
    },
    "tp_keras.objectives.SoftmaxCrossEntropy": {"top5": FLAG},
    "tp_keras.objectives.SquaredError": {},
    "tp_keras.schedules.Parallel": {},
    "tp_keras.schedules.Alternating": {},
    "tp_keras.schedules.Mirror": {},
    "tp_keras.diagnostics.Diagnostics": {"every": whole(1, 1_000_000)},
    "tp_keras.learners.BP": RULE,
    "tp_keras.learners.FA": RULE,
    "tp_keras.learners.Frozen": RULE,
    "tp_keras.learners.SignSymmetry": RULE,
    "tp_keras.learners.DFA": {
        **RULE,
        "feedback_storage": one_of("stored", "stored_bfloat16", "seeded"),
        "seed": SEED,
    },
    "tp_keras.learners.KolenPollack": {
        **RULE,
        "decay": number(0, 1, below=True),
        "exact_top": FLAG,
    },
    "tp_keras.learners.WeightMirror": {**RULE, "rate": number(0, 1, above=True), "seed": SEED},
    "tp_keras.learners.FixedDTP": {
        **RULE,
        "beta": ALPHA,
        "feedback_limit": number(0, 1000, above=True),
    },
    "tp_keras.learners.TP": TARGETS,
    "tp_keras.learners.SDTP": TARGETS,
    "tp_keras.learners.DTP": {**TARGETS, "alpha": ALPHA},
    "tp_keras.learners.LDRL": {**TARGETS, "alpha": ALPHA},
    "tp_keras.learners.AOSDTP": {**TARGETS, "auxiliary_units": UNITS},
    "keras.callbacks.EarlyStopping": {
        **CALLBACK,
        "baseline": optional(FINITE),
        "restore_best_weights": FLAG,
        "start_from_epoch": EPOCHS,
    },
    "keras.callbacks.ReduceLROnPlateau": {
        **CALLBACK,
        "factor": number(0, 1, above=True, below=True),
        "cooldown": EPOCHS,
        "min_lr": number(0, 100),
    },
    "optuna.pruners.SuccessiveHalvingPruner": {
        "min_resource": Kind(
            "'auto' or a whole number from 1 to 1000000",
            lambda v: v == "auto" or whole(1, 1_000_000).allows(v),
        ),
        "reduction_factor": whole(2, 1_000_000),
        "min_early_stopping_rate": whole(0, 1000),
        "bootstrap_count": whole(0, 1_000_000),
    },
    "tp_keras.trials.space": {
        "learner": GIVEN,
        "has_inverse": GIVEN,
        "log_uniform": domains(
            "each with the two allowed numbers above 0 that it lies between",
            lambda name, drawn: is_interval(name, drawn, 0),
        ),
        "uniform": domains("each with the two allowed numbers that it lies between", is_interval),
        "choices": domains("each with a tuple of allowed values", are_values),
    },
    "tp_keras.trials.study": {
        "folder": GIVEN,
        "pruner": optional(
            reference("optuna.pruners.", "@SuccessiveHalvingPruner()", evaluated=True)
        ),
    },
}
