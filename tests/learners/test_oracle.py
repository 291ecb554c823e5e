"""Every number of one and several steps, against an independent NumPy implementation.

`tests/reference/oracle.npz`: a net 12-8-7-5-4, tanh hidden, softmax output, tanh inverses, batch 6.
Its names: W, b forward weights; V, c inverses (Vao, cao: with auxiliary units); B, D feedback of
FA and DFA; g... gradients; par1, par3, alt weights after steps of either schedule, with either
reading of Adam's epsilon. It stores V and D as the transposes of our kernels.
"""

import pathlib

import keras
import numpy as np
import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import architectures
from tp_keras.optimizers import Adam

ORACLE = dict(np.load(pathlib.Path(__file__).parents[1] / "reference/oracle.npz"))
TOLERANCE = {"float32": 1e-5, "float64": 1e-9}
EPSILON_FORMS = {"tf": "tensorflow", "paper": "paper"}
DTYPES = [("float32", "float32"), ("float64", "float64")]
RULES_AND_DTYPES = [
    (f"{key}_{dtype}", name, dtype) for key, name in rules.NAMED_PAPERS for dtype in TOLERANCE
]


def under(prefix):
    """The oracle's arrays `prefix/<name>`, without those in deeper folders, by name."""
    names = {key.removeprefix(f"{prefix}/"): key for key in ORACLE if key.startswith(f"{prefix}/")}
    return {name: ORACLE[key] for name, key in names.items() if "/" not in name}


def trained_weights(learner):
    """The oracle's name of each trained weight -> (weight, whether stored transposed)."""
    weights = {}
    for l, f in learner.network.f.items():
        weights |= {f"W{l}": (f.kernel, False), f"b{l}": (f.bias, False)}
    for l, g in getattr(learner, "g", {}).items():
        top = "ao" if hasattr(learner, "auxiliary") and l == learner.depth else l
        weights |= {f"V{top}": (g.kernel, False), f"c{top}": (g.bias, False)}
    return weights


def fixed_weights(learner):
    weights = {}
    name, transposed = ("D", False) if type(learner).__name__ == "DFA" else ("B", True)
    for l, B in getattr(learner, "B", {}).items():
        weights[f"{name}{l}"] = (B.kernel, transposed)
    if hasattr(learner, "auxiliary"):
        weights |= {"Wz": (learner.auxiliary.kernel, False), "bz": (learner.auxiliary.bias, False)}
    return weights


def as_stored(value, transposed):
    return np.transpose(value) if transposed else np.asarray(value)


def recorded_noise(learner):
    """A function in place of `noise` that returns the oracle's draws, step by step."""
    draws = {l: np.stack([ORACLE[f"noise{step}/{l}"] for step in range(4)]) for l in (2, 3, 4)}

    def noise(h):
        step = learner.inverse_optimizer.iterations.value
        return {
            l: learner.noise_stddev * tf.cast(tf.gather(draws[l], step), h[l - 1].dtype)
            for l in learner.g
        }

    return noise


def adam(name, epsilon_form):
    s = {key: float(value) for key, value in under(name).items()}
    return Adam(s["lr"], s["b1"], s["b2"], s["eps"], EPSILON_FORMS[epsilon_form])


class OracleTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        # Keras' default policy keeps the type that it is first asked for
        self.addCleanup(keras.config.set_dtype_policy, keras.config.dtype_policy())
        self.addCleanup(keras.config.set_floatx, keras.config.floatx())

    def learner(self, name, dtype, epsilon_form="tf"):
        keras.config.set_floatx(dtype)  # Keras keeps learning rates and labels in it
        self.tolerance = TOLERANCE[dtype]
        network = architectures.build((12,), classes=4, dense=[8, 7, 5], dtype=dtype)
        settings = {"alpha": float(ORACLE["alpha"])} if name == "dtp" else {}
        learner = rules.compiled(
            name,
            network,
            adam("adam_fwd", epsilon_form),
            adam("adam_inv", epsilon_form),
            **settings,
        )
        for key, (weight, flip) in (trained_weights(learner) | fixed_weights(learner)).items():
            weight.assign(as_stored(ORACLE[f"init/{key}"], flip))
        if name in rules.TARGET_RULES:
            learner.noise_stddev = float(ORACLE["sigma"])
            learner.noise = recorded_noise(learner)
        return learner

    def assert_all(self, expected, found):
        self.assertEqual(set(expected), set(found))
        for key, value in expected.items():
            self.assertAllClose(
                value, found[key], rtol=self.tolerance, atol=self.tolerance, msg=key
            )

    def batch(self, dtype):
        return tf.constant(ORACLE["x"], dtype), tf.constant(ORACLE["Y"], dtype)

    @parameterized.named_parameters(*DTYPES)
    def test_activations_and_inverses(self, dtype):
        learner = self.learner("ao-sdtp", dtype)
        plain = self.learner("sdtp", dtype)
        h = rules.record(learner.network, self.batch(dtype)[0]).h
        found = {f"h{l}": value for l, value in h.items()}
        found |= {f"g{l}_of_h": g(h[l]) for l, g in plain.g.items()}
        found["z"] = learner.auxiliary(h[3])
        known = {key: v for key, v in ORACLE.items() if key[0] in "hgz" and "/" not in key}
        self.assert_all(known, found)

    @parameterized.named_parameters(*RULES_AND_DTYPES)
    def test_targets_losses_and_gradients(self, name, dtype):
        learner = self.learner(name, dtype)
        x, y = self.batch(dtype)
        record = rules.record(learner.network, x)
        found = {"loss_task": tf.reduce_mean(learner.objective.loss(record.a[4], y))}
        names = {
            id(weight): (key, flip) for key, (weight, flip) in trained_weights(learner).items()
        }
        for weight, gradient in rules.gradients(learner, x, y):
            key, flip = names[id(weight)]
            found[f"g{key}"] = as_stored(gradient, flip)
        if name in rules.TARGET_RULES:
            found |= self.targets_and_losses(learner, record, y)
        self.assert_all(under(name), found)

    def targets_and_losses(self, learner, record, y):
        found, a, h = {}, record.a, record.h
        for l, value in {4: learner.output_target(y), **learner.targets(record, y)}.items():
            found[f"target{l}"] = value
            found[f"loss_fwd{l}"] = np.sum(np.square(h[l] - value), -1).mean()
        found["loss_fwd4"] = tf.reduce_mean(learner.objective.loss(a[4], y))
        for l, loss in learner.inverse_losses(h).items():
            found[f"loss_inv{l}"] = tf.reduce_mean(loss)
        return found

    @parameterized.named_parameters(*RULES_AND_DTYPES)
    def test_weights_after_parallel_steps(self, name, dtype):
        for form in EPSILON_FORMS:
            learner = self.learner(name, dtype, form)
            self.assert_weights_after(1, f"{name}/par1-{form}", learner, dtype)
            self.assert_weights_after(2, f"{name}/par3-{form}", learner, dtype)

    @parameterized.named_parameters(
        *[row for row in RULES_AND_DTYPES if row[1] in rules.TARGET_RULES]
    )
    def test_weights_after_alternating_steps(self, name, dtype):
        for form in EPSILON_FORMS:
            learner = self.learner(name, dtype, form)
            learner.set_phases("inverse")
            for _ in range(2):
                learner.train_on_batch(*self.batch(dtype))
            learner.set_phases("forward")
            self.assert_weights_after(2, f"{name}/alt-{form}", learner, dtype)

    def assert_weights_after(self, steps, folder, learner, dtype):
        for _ in range(steps):
            learner.train_on_batch(*self.batch(dtype))
        weights = trained_weights(learner)
        self.assert_all(under(folder), {k: as_stored(w, flip) for k, (w, flip) in weights.items()})


if __name__ == "__main__":
    tf.test.main()
