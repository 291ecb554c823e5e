"""Targets of every target rule, and errors and phases of every rule."""

import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras.record import Record


class TargetsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*rules.NAMED_TARGET_RULES)
    def test_gradients_are_those_of_the_local_losses(self, name):
        network = rules.local_network("float64")
        learner = rules.compiled(name, network)
        x, y = rules.batch(dtype="float64")
        record = rules.record(network, x)
        h, target = record.h, learner.targets(record, tf.constant(y))
        expected = []
        for l, f in network.f.items():
            with tf.GradientTape() as tape:
                out = f(h[l - 1])
                if l < learner.depth:
                    losses = tf.square(out - tf.stop_gradient(target[l]))
                else:
                    losses = -y * tf.math.log(out)
                loss = tf.reduce_sum(losses) / len(x)
            expected += tape.gradient(loss, [f.kernel.value, f.bias.value])
        found = rules.forward_gradients(learner, x, y)
        self.assertAllClose(expected, found, rtol=1e-9, atol=1e-12)

    @parameterized.named_parameters(*rules.NAMED_TARGET_RULES)
    def test_inverse_gradients_reach_the_inverses_alone(self, name):
        """Each one is that of its own loss, which depends on no weight of f or of another g."""
        learner = rules.compiled(name)
        x, y = rules.batch()
        h = rules.record(learner.network, x).h
        found = {id(w): gradient for w, gradient in rules.gradients(learner, x, y)}
        for l, g in learner.g.items():
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(learner.inverse_losses(h)[l])
            weights = learner.inverse_weights + learner.network.trainable_variables
            gradients = tape.gradient(loss, [w.value for w in weights])
            for weight, gradient in zip(weights, gradients, strict=True):
                if any(weight is own for own in g.trainable_variables):
                    self.assertAllClose(gradient, found[id(weight)], atol=1e-6)
                else:
                    self.assertIsNone(gradient)

    @parameterized.named_parameters(
        ("sdtp", "sdtp", True),
        ("ao_sdtp", "ao-sdtp", True),
        ("dtp", "dtp", False),
        ("tp", "tp", False),
        ("ldrl", "ldrl", False),
    )
    def test_inverse_reconstructs_the_clean_or_the_noisy_activation(self, name, clean):
        """Appendix 5.1: SDTP denoises, DTP and TP keep the noise."""
        rebuilt = rules.learner(name).reconstruction_target("clean", "noisy")
        self.assertEqual(rebuilt, "clean" if clean else "noisy")

    @parameterized.named_parameters(("sdtp", "sdtp"), ("ao_sdtp", "ao-sdtp"))
    def test_targets_are_the_activations_where_the_output_is_the_label(self, name):
        learner = rules.learner(name)
        record = rules.record(learner.network, rules.batch()[0])
        h = record.h
        target = learner.targets(record, h[learner.depth])
        for l in range(1, learner.depth + 1):
            self.assertAllClose(h[l], target[l], atol=1e-6)

    @parameterized.named_parameters(*rules.NAMED_RULES)
    def test_gradients_depend_on_the_layers_above_through_delta_alone(self, name):
        learner = rules.compiled(name)
        x, y = rules.batch()
        fixed = learner.errors(rules.record(learner.network, x), tf.constant(y))
        learner.errors = lambda record, y: fixed
        before = rules.forward_gradients(learner, x, y)
        for l in (3, 4):
            rules.scramble(learner.network.f[l])
        after = rules.forward_gradients(learner, x, y)
        for old, new in zip(before[:4], after[:4], strict=True):  # kernels, biases of f[1], f[2]
            self.assertAllEqual(old, new)

    @parameterized.named_parameters(
        ("fa", "fa", []),
        ("dfa", "dfa", []),
        ("tp", "tp", []),
        ("dtp", "dtp", [4]),
        ("sdtp", "sdtp", []),
        ("ao_sdtp", "ao-sdtp", []),
        ("bp", "bp", [2, 3, 4]),
        ("sign_symmetry", "sign-symmetry", [2, 3, 4]),
        ("kolen_pollack", "kolen-pollack", [2, 3, 4]),
        ("weight_mirror", "weight-mirror", []),
        ("ldrl", "ldrl", [4]),
        ("fixed_dtp", "fixed-dtp", []),
    )
    def test_errors_read_these_forward_weights(self, name, layers):
        """At given activations all other forward weights may change, and the errors stay equal."""
        learner = rules.learner(name)
        x, y = rules.batch()
        given = rules.record(learner.network, x)
        before = learner.errors(given, tf.constant(y))
        for l, f in learner.network.f.items():
            weights = f.get_weights()
            rules.scramble(f)
            after = learner.errors(with_present_weights(given), tf.constant(y))
            same = all(bool(tf.reduce_all(before[k] == after[k])) for k in before)
            self.assertEqual(same, l not in layers, f"layer {l}")
            f.set_weights(weights)


@tf.custom_gradient
def in_place_of(now, then):
    """The numbers of `then`, with the gradient of `now`."""
    return tf.identity(then), lambda error: (error, tf.zeros_like(error))


def with_present_weights(given):
    """A record of the same activations, whose gradients are those of the present weights."""
    network, inputs, a, h = given.network, {}, {}, {0: given.h[0]}
    with tf.GradientTape(persistent=True) as tape:
        for l, f in network.f.items():
            inputs[l] = tf.constant(given.h[l - 1])
            tape.watch(inputs[l])
            a[l] = in_place_of(f.preactivation(inputs[l]), given.a[l])
            h[l] = f.activation(a[l])
    return Record(network, tape, inputs, a, h, [])


class PhasesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*rules.NAMED_TARGET_RULES)
    def test_a_phase_moves_its_own_weights_and_no_other(self, name):
        learner = rules.compiled(name, rules.dense_network())
        forward, inverse = learner.network.trainable_variables, learner.inverse_weights
        for phases, learning in (
            (("forward",), forward),
            (("inverse",), inverse),
            (("forward", "inverse"), forward + inverse),
            ((), []),
        ):
            learning = {id(w) for w in learning}
            learner.set_phases(*phases)
            before = [(w, w.numpy()) for w in model_weights(learner)]
            for _ in range(2):
                learner.train_on_batch(*rules.batch())
            for w, old in before:
                if id(w) in learning:
                    self.assertNotAllEqual(old, w, f"{w.path} in {phases}")
                else:
                    self.assertAllEqual(old, w, f"{w.path} in {phases}")

    @parameterized.named_parameters(*rules.NAMED_RULES)
    def test_fixed_weights_never_move_and_all_others_do(self, name):
        learner = rules.compiled(name, rules.dense_network())
        fixed = [w for B in getattr(learner, "B", {}).values() for w in B.weights]
        fixed = [] if name == "weight-mirror" else fixed
        fixed += learner.auxiliary.weights if name == "ao-sdtp" else []
        fixed += [w for g in learner.g.values() for w in g.weights] if name == "fixed-dtp" else []
        fixed += learner.network.weights[:-2] if name == "frozen" else []
        with_fixed = ("fa", "dfa", "ao-sdtp", "sign-symmetry", "fixed-dtp", "frozen")
        self.assertEqual(bool(fixed), name in with_fixed)
        before = [(w, w.numpy()) for w in model_weights(learner)]
        x, y = rules.batch(12)
        learner.fit(x, y, batch_size=4, epochs=2, verbose=0)
        for w, old in before:
            if any(w is one for one in fixed):
                self.assertAllEqual(old, w, w.path)
            else:
                self.assertNotAllEqual(old, w, w.path)


def model_weights(learner):
    """All weights of the network and the rule, and none of metrics or optimizers."""
    others = [m for metric in learner.metrics for m in metric.variables]
    return [w for w in learner.weights if not any(w is one for one in others)]
