"""Rows of the table of settings for what Keras has: optimizers and schedules of learning rates.

Its constructors take a parameter of one name for one thing, so that one row serves them all.
"""

import gin

from tp_keras.experiment.kinds import FLAG, GIVEN, Kind, number, optional, several, whole

OPTIMIZERS = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion"),
    *("Muon", "Nadam", "RMSprop", "SGD"),
)
SCHEDULES = (
    *("CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay"),
    *("PiecewiseConstantDecay", "PolynomialDecay"),
)
SCHEDULE = "keras.optimizers.schedules."
MOST_STEPS = 10**12


def is_rate(value) -> bool:
    """Whether a value is a learning rate, or a schedule of one."""
    if isinstance(value, gin.config.ConfigurableReference):
        return value.evaluate and value.configurable.selector.startswith(SCHEDULE)
    return RATE.allows(value)


RATE = number(0, 100, above=True)
RATE_OR_SCHEDULE = Kind(f"{RATE.words}, or a schedule such as @CosineDecay()", is_rate)
SHARE, SIZE = number(0, 1, below=True), number(0, 1e6)
ANY, LIMIT, STEPS = number(-1e6, 1e6), optional(number(0, 1e6, above=True)), whole(1, MOST_STEPS)
OPTIMIZER = {
    "name": GIVEN,
    "learning_rate": RATE_OR_SCHEDULE,
    **dict.fromkeys(("beta_1", "beta_2", "beta", "rho", "momentum", "ema_momentum"), SHARE),
    **dict.fromkeys(("adam_beta_1", "adam_beta_2"), SHARE),
    **dict.fromkeys(("epsilon", "epsilon_1", "epsilon_2"), number(0, 1, above=True)),
    **dict.fromkeys(("amsgrad", "centered", "exclude_embeddings", "nesterov"), FLAG),
    **dict.fromkeys(("relative_step", "use_ema"), FLAG),
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor"), LIMIT),
    **dict.fromkeys(("ema_overwrite_frequency", "gradient_accumulation_steps"), optional(STEPS)),
    **dict.fromkeys(("adam_weight_decay", "adam_lr_ratio", "clip_threshold", "rms_rate"), SIZE),
    **dict.fromkeys(("initial_accumulator_value", "l1_regularization_strength"), SIZE),
    **dict.fromkeys(("l2_regularization_strength", "l2_shrinkage_regularization_strength"), SIZE),
    **dict.fromkeys(("learning_rate_power", "beta_2_decay", "muon_a", "muon_b", "muon_c"), ANY),
    "weight_decay": optional(SIZE),
    "ns_steps": whole(1, 1000),
    "exclude_layers": optional(
        several(Kind("", lambda v: isinstance(v, str)), "names", "['output']")
    ),
}
DECAY = {
    "name": GIVEN,
    "initial_learning_rate": number(0, 100),
    "end_learning_rate": number(0, 100),
    "warmup_target": optional(number(0, 100)),
    **dict.fromkeys(("decay_steps", "first_decay_steps"), STEPS),
    "warmup_steps": whole(0, MOST_STEPS),
    **dict.fromkeys(("alpha", "decay_rate", "m_mul", "power", "t_mul"), SIZE),
    **dict.fromkeys(("cycle", "staircase"), FLAG),
    "boundaries": several(STEPS, "steps", "[1000, 2000]"),
    "values": several(number(0, 100), "learning rates", "[0.01, 0.001, 0.0001]"),
}
KERAS = {f"keras.optimizers.{name}": OPTIMIZER for name in OPTIMIZERS}
KERAS |= {f"{SCHEDULE}{name}": DECAY for name in SCHEDULES}
