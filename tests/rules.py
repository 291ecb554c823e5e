"""The table of learning rules, and the small problem that their tests train on."""

import numpy as np
import tensorflow as tf

from tp_keras import architectures, learners, objectives
from tp_keras.optimizers import Adam

TARGETS = {"noise_stddev": 0.2}

# One row a rule: its class, and the arguments that it needs beside network and objective
RULES = {
    "bp": (learners.BP, {}),
    "fa": (learners.FA, {}),
    "dfa": (learners.DFA, {}),
    "tp": (learners.TP, TARGETS),
    "dtp": (learners.DTP, {**TARGETS, "alpha": 0.15}),
    "sdtp": (learners.SDTP, TARGETS),
    "ao-sdtp": (learners.AOSDTP, {**TARGETS, "auxiliary_units": 9}),
    "frozen": (learners.Frozen, {}),
    "sign-symmetry": (learners.SignSymmetry, {}),
    "kolen-pollack": (learners.KolenPollack, {"decay": 0.01}),
    "weight-mirror": (learners.WeightMirror, {"rate": 0.05}),
    "ldrl": (learners.LDRL, {**TARGETS, "alpha": 0.15}),
    "fixed-dtp": (learners.FixedDTP, {"beta": 0.5, "feedback_limit": 0.5}),
}
PAPERS = list(RULES)[:7]  # the rules of the paper, which the oracle has
TARGET_RULES = [
    name for name, (rule, _) in RULES.items() if issubclass(rule, learners.InverseLearner)
]

NAMED_RULES = [(name.replace("-", "_"), name) for name in RULES]
NAMED_PAPERS = [(name.replace("-", "_"), name) for name in PAPERS]
NAMED_TARGET_RULES = [(name.replace("-", "_"), name) for name in TARGET_RULES]


def local_network(dtype=None, **options):
    """Two local layers, two dense ones: h[1] is 4x3x3, h[2] 2x2x4, h[3] 6, h[4] 5."""
    options = {"local": [(3, 3, 2), (2, 4, 2)], "dense": [6], "dtype": dtype, **options}
    return architectures.build((7, 5, 2), classes=5, **options)


def dense_network(dtype=None):
    """Two hidden layers on the same inputs: the cheapest network on which every rule differs."""
    return architectures.build((7, 5, 2), classes=5, dense=[6, 4], dtype=dtype)


def batch(size=6, shape=(7, 5, 2), classes=5, dtype="float32", seed=0):
    """Random inputs and one-hot labels."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(size, *shape)).astype(dtype)
    return x, np.eye(classes, dtype=dtype)[random.integers(0, classes, size)]


def learner(name, network=None, **changes):
    """The rule of that name on a network."""
    rule, arguments = RULES[name]
    network = network or local_network()
    return rule(network, objectives.SoftmaxCrossEntropy(), **{**arguments, **changes})


def compiled(name, network=None, optimizer=None, inverse_optimizer=None, **changes):
    """The rule, with an optimizer for each of its phases."""
    result = learner(name, network, **changes)
    optimizers = {"optimizer": optimizer or Adam(0.01)}
    if name in TARGET_RULES:
        optimizers["inverse_optimizer"] = inverse_optimizer or Adam(0.02)
    result.compile(**optimizers, run_eagerly=True)  # a few small steps: tracing would cost more
    return result


def record(network, x):
    """The record of a batch, without sample weights and without the mean over the batch."""
    return network.record(x)


def gradients(learner, x, y):
    """The gradient of every weight that the rule trains, by the weight's path."""
    found = record(learner.network, x)
    found.scale = 1.0 / len(x)
    updates = learner.updates(found, tf.convert_to_tensor(y))
    return [(w, gradient) for _, gs, ws in updates for gradient, w in zip(gs, ws, strict=True)]


def forward_gradients(learner, x, y):
    """The gradients of the forward weights alone, in the order of the network's weights."""
    found = gradients(learner, x, y)
    return [g for w in learner.network.trainable_variables for v, g in found if v is w]


def angle(u, v):
    """The angle between two arrays, in degrees."""
    u, v = np.ravel(u), np.ravel(v)
    return np.degrees(np.arccos(np.clip(u @ v / np.linalg.norm(u) / np.linalg.norm(v), -1, 1)))


def two_replicas():
    """A strategy of both logical CPU devices."""
    # A second strategy with the default collectives fails in one process
    collectives = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], cross_device_ops=collectives)


def scramble(layer, seed=1):
    """Gives a layer other weights."""
    random = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
