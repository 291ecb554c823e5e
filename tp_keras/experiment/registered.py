"""Registers with gin those of Keras' callbacks, optimizers and schedules that it can name."""

import gin
import keras

CALLBACKS = ("EarlyStopping", "ReduceLROnPlateau")
OPTIMIZERS = (
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "RMSprop",
    "SGD",
)
SCHEDULES = (
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
)

for module, names in (
    (keras.callbacks, CALLBACKS),
    (keras.optimizers, OPTIMIZERS),
    (keras.optimizers.schedules, SCHEDULES),
):
    for name in names:
        # `gin.register` and `gin.configurable` would change Keras' own class
        gin.external_configurable(getattr(module, name), name, module=module.__name__)
