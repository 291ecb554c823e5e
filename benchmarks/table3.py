"""The networks of Table 3, as the experiments have them, and random examples for them."""

import gin
import numpy as np
import tensorflow as tf

from tp_keras import architectures, learners, objectives, optimizers, train  # noqa: F401

EXAMPLES = {
    "mnist": ((28, 28, 1), 10),
    "cifar10": ((32, 32, 3), 10),
    "imagenet": ((224, 224, 3), 1000),
}
# What a rule needs beside the network, the noise and the inverses' nonlinearity
ARGUMENTS = {
    "DTP": {"alpha": 0.1},
    "LDRL": {"alpha": 0.1},
    "FixedDTP": {"beta": 0.1, "feedback_limit": 1e-3},
    "AOSDTP": {"auxiliary_units": 512},
    "KolenPollack": {"decay": 3e-5},
    "WeightMirror": {"rate": 1e-3},
}
ADAM = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}


def rows(problem: str) -> tuple[list, list]:
    """The locally connected and the dense layers of a problem, such as "cifar10_lc"."""
    gin.clear_config()
    gin.parse_config_file(f"gin/problems/{problem}.gin")
    bound = (gin.get_bindings("build").get(name, []) for name in ("local", "dense"))
    return tuple(bound)


def network(problem: str, **options):
    """The network of a problem, with new weights."""
    shape, classes = EXAMPLES[problem.partition("_")[0]]
    local, dense = rows(problem)
    return architectures.build(shape, classes, local, dense, **options)


def local_layers(problem: str) -> list:
    """Geometry of the locally connected layers: input shape, kernel size, filters, strides."""
    (*sides, channels), _ = EXAMPLES[problem.partition("_")[0]]
    layers = []
    for size, filters, strides in rows(problem)[0]:
        layers.append(((*sides, channels), size, filters, strides))
        sides, channels = [-(-side // strides) for side in sides], filters
    return layers


def batch(problem: str, size: int):
    """Random images and one-hot labels."""
    shape, classes = EXAMPLES[problem.partition("_")[0]]
    random = np.random.default_rng(0)
    labels = tf.one_hot(random.integers(0, classes, size), classes)
    return tf.constant(random.uniform(size=(size, *shape)), tf.float32), labels


def learner(rule: str, problem: str, adam=None, **options):
    """A compiled learner, by the name of its class, on the network of a problem.

    Inverses are tanh, as the paper's formula has them; "SDTP:linear" has linear ones.
    """
    adam = adam or (lambda: optimizers.Adam(1e-4, **ADAM))
    rule, _, inverse_activation = rule.partition(":")
    arguments, optimizer = dict(ARGUMENTS.get(rule, {})), {"optimizer": adam()}
    if issubclass(getattr(learners, rule), learners.TargetLearner):
        arguments |= {"noise_stddev": 0.1, "inverse_activation": inverse_activation or "tanh"}
        optimizer["inverse_optimizer"] = adam()
    made = getattr(learners, rule)(network(problem), objectives.SoftmaxCrossEntropy(), **arguments)
    made.compile(**optimizer, **options)
    return made
