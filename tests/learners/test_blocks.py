"""Learning rules on blocks of stock Keras layers."""

import functools

import keras
import numpy as np
import pytest
import rules
import tensorflow as tf
from absl.testing import parameterized
from keras import layers
from saving import saved_and_loaded
from test_graph_cost import live_operations

from tp_keras import Network, learners
from tp_keras.layers import Dense

ON_ANY_BLOCKS = {
    name: row
    for name, row in rules.RULES.items()
    if name not in ("fa", "sign-symmetry", "kolen-pollack", "weight-mirror")
}
NAMED = [(name.replace("-", "_"), name) for name in ON_ANY_BLOCKS]


def residual_model(activation="relu", dropout=0.0):
    """A residual network with batch normalisation; images 8x6x2, five classes."""
    inputs = keras.Input((8, 6, 2))
    x = layers.Conv2D(3, 3, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.Activation(activation)(layers.BatchNormalization()(x))
    for number, strides in enumerate((1, 2)):
        y = layers.Conv2D(3, 3, strides, padding="same", name=f"inner_{number}")(x)
        y = layers.Activation(activation)(layers.BatchNormalization()(y))
        y = layers.Dropout(dropout)(y) if dropout else y
        y = layers.Conv2D(3, 3, padding="same", kernel_regularizer="l2")(y)
        x = layers.Add(name=f"sum_{number}")([y, layers.AveragePooling2D(strides)(x)])
    x = layers.Dense(4, activation, name="hidden")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(5, "softmax")(x))


def batch(size=8, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(size, 8, 6, 2)).astype("float32"), random.integers(0, 5, size)


def compiled(name, network, **options):
    rule, arguments = rules.RULES[name]
    learner = rule(network, **arguments)
    optimizers = {"inverse_optimizer": "adam"} if name in rules.TARGET_RULES else {}
    options = {"loss": "sparse_categorical_crossentropy", "run_eagerly": True, **options}
    learner.compile(options.pop("optimizer", "adam"), **optimizers, **options)
    return learner


def step(learner, x, y):
    """How much a step of gradient descent reduces each weight of the network, by its id."""
    weights = learner.network.trainable_variables
    before = [w.numpy() for w in weights]
    learner.train_on_batch(x, y)
    return {id(w): old - w.numpy() for w, old in zip(weights, before, strict=True)}


class CutTest(tf.test.TestCase):
    def test_a_model_is_cut_before_each_layer_with_weights_that_a_single_tensor_leads_to(self):
        network = Network.of(residual_model())
        shapes = [network.shapes[l] for l in range(network.depth + 1)]
        images = [(8, 6, 2), (8, 6, 3), (8, 6, 3)]
        self.assertEqual(shapes, [*images, (3,), (4,), (5,)])

    def test_it_is_cut_at_the_layers_named_and_stays_the_same_function(self):
        model = residual_model()
        network = Network.of(model, at=["hidden", "sum_0"])
        self.assertEqual(network.depth, 3)
        x, _ = batch()
        self.assertAllEqual(model(x), network(x))

    def test_a_cut_through_a_residual_connection_is_refused_with_the_places(self):
        message = "all paths .* stem, .*sum_0, .*hidden; received inner_0"
        with self.assertRaisesRegex(ValueError, message):
            Network.of(residual_model(), at=["inner_0"])

    def test_models_that_are_no_chain_of_blocks_are_refused(self):
        inputs = keras.Input((4,))
        two = keras.Model(inputs, [layers.Dense(2)(inputs), layers.Dense(3)(inputs)])
        shared = layers.Dense(4)
        first = layers.Conv2D(2, 1, data_format="channels_first", name="first")
        for blocks, message in [
            ([two], "block 1 of `layers` must have one output"),
            ([shared, shared], "must not share a layer"),
            ([layers.Reshape((2, 2, 1)), first], "'first' is channels_first.* with channels_last"),
        ]:
            with self.assertRaisesRegex(ValueError, message):
                Network(blocks, (4,))
        with self.assertRaisesRegex(ValueError, "one input and one output"):
            Network.of(two)
        with self.assertRaisesRegex(ValueError, "Sequential or Functional"):
            Network.of(rules.local_network())
        with self.assertRaisesRegex(ValueError, "begin it with keras.Input"):
            Network.of(keras.Sequential([layers.Dense(3)]))

    def test_of_a_softmax_the_loss_reads_what_it_was_made_of(self):
        network = Network.of(residual_model())
        record, L = network.record(batch()[0]), network.depth
        self.assertAllClose(tf.nn.softmax(record.a[L]), record.h[L])

    def test_inputs_of_another_shape_are_refused(self):
        network = Network([layers.Dense(3, "tanh"), layers.Dense(2)], (4,))
        for shape in [(6, 5), (4,), (6, 2, 2)]:
            with self.assertRaisesRegex(ValueError, r"`x` must have the shape \(batch, 4\)"):
                network.predict(np.zeros(shape, "float32"), verbose=0)


@functools.cache  # of float32 there is one for each policy it is compared with
def first_step(name, policy="float32", **options):
    """All initial weights of a residual network under a policy, and what a step adds to them."""
    keras.utils.set_random_seed(1)
    keras.mixed_precision.set_global_policy(policy)
    try:
        network = Network.of(residual_model("tanh"))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    learner = compiled(name, network, optimizer=keras.optimizers.SGD(1.0), **options)
    start = np.concatenate([np.ravel(w) for w in learner.trainable_variables])
    learner.train_on_batch(*batch(32))
    return start, np.concatenate([np.ravel(w) for w in learner.trainable_variables]) - start


class BlocksTest(tf.test.TestCase, parameterized.TestCase):
    def test_bp_is_the_stock_gradient_of_loss_and_regularisers(self):
        model = residual_model()
        learner = compiled("bp", Network.of(model), optimizer=keras.optimizers.SGD(1.0))
        x, y = batch()
        weights = model.trainable_variables
        with tf.GradientTape() as tape:
            loss = keras.losses.SparseCategoricalCrossentropy()(y, model(x, training=True))
            loss += sum(model.losses)
        expected = tape.gradient(loss, [w.value for w in weights])
        found = step(learner, x, y)
        for w, gradient in zip(weights, expected, strict=True):
            self.assertAllClose(gradient, found[id(w)], atol=1e-6)
        self.assertAllClose(loss, learner.loss_metric.result(), rtol=1e-6)

    @parameterized.named_parameters(*NAMED)
    def test_every_rule_that_can_trains_and_is_saved(self, name):
        learner = compiled(name, Network.of(residual_model()))
        x, y = batch()
        before = [w.numpy() for w in learner.network.trainable_variables]
        learner.train_on_batch(x, y)
        moved = [
            np.any(old != w.numpy())
            for old, w in zip(before, learner.network.trainable_variables, strict=True)
        ]
        self.assertEqual(sum(moved), 2 if name == "frozen" else len(moved))
        loaded = saved_and_loaded(self, learner)
        self.assertAllEqual(learner(x), loaded(x))
        for one in (learner, loaded):
            one.run_eagerly = True
            one.train_on_batch(x, y)
        for old, new in zip(learner.weights, loaded.weights, strict=True):
            self.assertAllEqual(old, new, old.path)

    @parameterized.named_parameters(
        *[(f"{name}_bfloat16", name, "mixed_bfloat16") for name in ON_ANY_BLOCKS],
        *[(f"{name}_float16", name, "mixed_float16") for name in ("bp", "dtp", "sdtp", "dfa")],
    )
    def test_mixed_precision_steps_where_float32_does(self, name, policy):
        (start, exact), (same_start, rounded) = first_step(name), first_step(name, policy)
        self.assertAllEqual(start, same_start)
        # Of 8 or 11 bits; DTP's errors are small differences of activations, which are so rounded
        limit = 0.2 if policy == "mixed_bfloat16" else 0.1
        self.assertLess(np.linalg.norm(rounded - exact), limit * np.linalg.norm(exact))

    def test_xla_steps_where_the_plain_graph_does(self):
        self.assert_xla_steps_alike("sdtp")

    @parameterized.named_parameters(*[row for row in NAMED if row[1] != "sdtp"])
    @pytest.mark.slow
    def test_xla_steps_where_the_plain_graph_does_by(self, name):
        self.assert_xla_steps_alike(name)

    def assert_xla_steps_alike(self, name):
        _, expected = first_step(name)
        _, found = first_step(name, jit_compile=True, run_eagerly=False)
        self.assertAllClose(expected, found, atol=1e-4)

    def test_a_user_s_inverse_may_be_in_mixed_precision(self):
        network = Network([layers.Dense(4, "tanh"), layers.Dense(3), layers.Dense(5)], (4,))
        g = layers.Dense(4, dtype="mixed_bfloat16")
        learner = learners.DTP(network, noise_stddev=0.1, alpha=0.1, inverses={2: g})
        learner.compile("sgd", "mse", inverse_optimizer="sgd")
        x = np.ones((2, 4), "float32")
        learner.train_on_batch(x, np.ones((2, 5)))
        loaded = saved_and_loaded(self, learner)
        self.assertAllEqual(learner.g[2](np.ones((2, 3))), loaded.g[2](np.ones((2, 3))))
        self.assertLen(loaded.g[2].layers, 2)

    def test_rules_with_feedback_weights_refuse_a_block_by_name_and_point_to_convert(self):
        network = Network([Dense(3, "tanh"), layers.Dense(4, name="mine")], (4,))
        for name in ("fa", "sign-symmetry", "kolen-pollack", "weight-mirror"):
            rule, arguments = rules.RULES[name]
            message = f"{rule.__name__} needs affine blocks.* block 2 .*'mine'; tp_keras.convert"
            with self.assertRaisesRegex(ValueError, message):
                rule(network, **arguments)

    def test_dtp_with_transposed_jacobians_is_bp_on_a_residual_network(self):
        """Of linear blocks; batch statistics would mix examples."""
        inputs = keras.Input((8, 6, 2))
        x = layers.Conv2D(3, 3, padding="same")(inputs)
        for strides in (1, 2):
            y = layers.Conv2D(3, 3, strides, padding="same")(x)
            x = layers.Add()([y, layers.AveragePooling2D(strides)(x)])
        outputs = layers.Dense(5, "softmax")(layers.GlobalAveragePooling2D()(x))
        network = Network.of(keras.Model(inputs, outputs))
        x, y = batch()
        bp, dtp = compiled("bp", network), compiled("dtp", network)
        record = network.record(x)
        dtp.g = {l: lambda v, l=l: record.below(l, v) for l in range(2, network.depth)}
        expected, found = bp.errors(record, y), dtp.errors(record, y)
        for l in range(1, network.depth):
            # h - target is a small difference of numbers of size 1
            self.assertAllClose(2 * dtp.alpha * expected[l], found[l], atol=1e-5)

    def test_a_user_s_inverse_is_used_and_saved(self):
        g = keras.Sequential([layers.Dense(7, "relu"), layers.Dense(4)])
        network = Network([layers.Dense(4, "tanh"), layers.Dense(3), layers.Dense(5)], (4,))
        learner = learners.DTP(network, noise_stddev=0.1, alpha=0.1, inverses={2: g})
        self.assertIs(learner.g[2], g)
        loaded = saved_and_loaded(self, learner)
        self.assertAllEqual(g(np.ones((2, 3))), loaded.g[2](np.ones((2, 3))))
        wrong = keras.layers.Dense(9)
        for given, message in [({2: wrong}, "must make .* for block 2"), ({3: g}, "2 to 2")]:
            with self.assertRaisesRegex(ValueError, message):
                learners.DTP(network, noise_stddev=0.1, alpha=0.1, inverses=given)

    def test_noise_changes_no_moving_statistic_and_no_seed(self):
        network = Network.of(residual_model(dropout=0.5))
        x, _ = batch()
        h = network.record(x).h
        state = [v.numpy() for v in network.non_trainable_variables]
        self.assertNotAllEqual(network.response(2, h[1]), network.run_block(2, h[1], False)[1])
        for old, v in zip(state, network.non_trainable_variables, strict=True):
            self.assertAllEqual(old, v)
        network.record(x)
        for old, v in zip(state, network.non_trainable_variables, strict=True):
            self.assertNotAllEqual(old, v)

    def test_errors_inside_a_block_are_computed_once(self):
        """Four layers take 4 products forward, 4 for their weights and 3 for errors."""
        middle = keras.Sequential([layers.Dense(4, "tanh"), layers.Dense(4, "tanh")])
        network = Network([layers.Dense(4, "tanh"), middle, layers.Dense(3, "softmax")], (4,))
        learner = compiled("bp", network, run_eagerly=False)
        x, y = np.ones((2, 4), "float32"), np.zeros(2, "int64")
        graph = tf.function(learner.train_step, autograph=False).get_concrete_function((x, y)).graph
        products = [op for op in live_operations(graph) if op.type == "MatMul"]
        self.assertLen(products, 4 + 4 + 3)


if __name__ == "__main__":
    pytest.main([__file__])
