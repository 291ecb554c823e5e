"""The layer whose error descends by a rule in place of its transposed kernel."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tp_keras import feedback_rules
from tp_keras.layers import Feedback, LocallyConnected2D

IMAGE = (6, 5, 3)
# name -> (a function that makes the layer, shape of one input)
AFFINE = {
    "dense": (lambda **o: layers.Dense(4, **o), (6,)),
    "dense_on_sequences": (lambda **o: layers.Dense(4, **o), (5, 3)),
    "einsum": (lambda **o: layers.EinsumDense("abc,cd->abd", (5, 4), bias_axes="d", **o), (5, 3)),
    "conv1d_causal": (lambda **o: layers.Conv1D(4, 3, 2, "causal", **o), (7, 3)),
    "conv2d_same": (lambda **o: layers.Conv2D(4, 3, 2, "same", **o), IMAGE),
    "conv2d_dilated": (lambda **o: layers.Conv2D(4, 2, dilation_rate=2, **o), IMAGE),
    "transposed": (lambda **o: layers.Conv2DTranspose(4, 3, 2, "same", **o), IMAGE),
    "depthwise": (lambda **o: layers.DepthwiseConv2D(3, 1, "same", 2, **o), IMAGE),
    "local": (lambda **o: LocallyConnected2D(4, 3, 2, **o), IMAGE),
}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def error_below(layer, x, delta):
    """The error that a layer passes on, and the gradients of its weights."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        h = layer(x)
    weights = layer.trainable_weights
    found = tape.gradient(h, [x, *(w.value for w in weights)], output_gradients=delta)
    return h.numpy(), found[0].numpy(), {w.name: g for w, g in zip(weights, found[1:], strict=True)}


@pytest.mark.parametrize("name", AFFINE)
def test_error_descends_through_b_and_weights_have_their_stock_gradient(name):
    """References: a stock layer of kernel B for the error, one of kernel W for the gradients."""
    make, shape = AFFINE[name]
    layer, x = Feedback(make(activation="tanh"), "fa"), normal(7, *shape)
    layer.build((None, *shape))
    layer.layer.bias.assign(normal(*layer.layer.bias.shape, seed=3))
    stock, through = make(activation="tanh"), make(activation="linear")
    for other, kernel in ((stock, layer.kernel), (through, layer.B)):
        other.build((None, *shape))
        other.kernel.assign(kernel)
        other.bias.assign(layer.layer.bias)
    delta = normal(*stock(x).shape, seed=1)
    h, below, gradients = error_below(layer, x, delta)
    expected_h, bp, expected = error_below(stock, x, delta)
    np.testing.assert_array_equal(h, expected_h)
    for weight in ("kernel", "bias"):
        np.testing.assert_array_equal(gradients[weight], expected[weight])
    error = delta * (1 - h**2)
    np.testing.assert_allclose(below, error_below(through, x, error)[1], atol=1e-5)
    assert np.abs(below - bp).max() > 0.1
    layer.B.assign(layer.kernel)
    np.testing.assert_allclose(error_below(layer, x, delta)[1], bp, atol=1e-6)


def test_dense_equals_the_formula():
    layer, x, delta = Feedback(layers.Dense(4), "fa"), normal(7, 6), normal(7, 4, seed=1)
    h, below, _ = error_below(layer, x, delta)
    np.testing.assert_allclose(h, x @ layer.kernel.numpy(), atol=1e-5)
    np.testing.assert_allclose(below, delta @ layer.B.numpy().T, atol=1e-5)


def test_sign_symmetry_equals_the_formula():
    layer, x, delta = Feedback(layers.Dense(4), "sign_symmetry"), normal(7, 6), normal(7, 4)
    _, below, _ = error_below(layer, x, delta)
    feedback = np.abs(layer.B) * np.sign(layer.kernel)
    np.testing.assert_allclose(below, delta @ feedback.T, atol=1e-5)


def test_separable_convolution_has_feedback_for_both_kernels():
    """Reference: a depthwise convolution followed by a pointwise one."""
    layer, x = Feedback(layers.SeparableConv2D(4, 3, depth_multiplier=2), "fa"), normal(7, *IMAGE)
    depthwise = Feedback(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), "fa")
    pair = keras.Sequential([depthwise, Feedback(layers.Conv2D(4, 1), "fa")])
    delta = normal(*layer(x).shape, seed=1)
    pair(x)
    for i, part in enumerate(pair.layers):
        part.kernel.assign(layer.kernels[i])
        part.B.assign(layer.feedback[i])
    h, below, found = error_below(layer, x, delta)
    expected_h, expected_below, expected = error_below(pair, x, delta)
    np.testing.assert_allclose(h, expected_h, atol=1e-5)
    np.testing.assert_allclose(below, expected_below, atol=1e-5)
    np.testing.assert_allclose(found["pointwise_kernel"], expected["kernel"], atol=1e-4)
    with tf.GradientTape() as tape:
        h = pair(x)
    expected = tape.gradient(h, depthwise.kernel.value, output_gradients=delta)
    np.testing.assert_allclose(found["depthwise_kernel"], expected, atol=1e-4)
    with pytest.raises(ValueError, match=r"'two' \(SeparableConv2D\) has two kernels.*`exclude`"):
        Feedback(layers.SeparableConv2D(4, 3, name="two"), "weight_mirror").build((None, *IMAGE))


def test_kolen_pollack_gives_b_the_gradient_of_w():
    layer, x, delta = Feedback(layers.Dense(4), "kolen_pollack"), normal(7, 6), normal(7, 4)
    _, below, found = error_below(layer, x, delta)
    np.testing.assert_allclose(found["kernel"], x.T @ delta, atol=1e-5)
    np.testing.assert_array_equal(found["feedback"], found["kernel"])
    np.testing.assert_allclose(below, delta @ layer.B.numpy().T, atol=1e-5)


@pytest.mark.parametrize("name", AFFINE)
def test_one_step_of_the_weight_mirror_estimates_w(name):
    """In size, too: at rate 1 B is the average of x a^T over one batch of noise."""
    make, shape = AFFINE[name]
    layer = Feedback(make(), feedback_rules.WeightMirror(rate=1.0))
    layer.build((None, *shape))
    layer.layer.bias.assign(tf.ones_like(layer.layer.bias))
    layer(np.zeros((3000, *shape), "float32"), training=False)
    assert int(layer.steps.numpy()) == 0
    layer(np.zeros((3000, *shape), "float32"), training=True)
    assert int(layer.steps.numpy()) == 1
    W, B = np.ravel(layer.kernel), np.ravel(layer.B)
    W = W * (B != 0)  # without weights that read padding alone, as local layers have
    assert W @ B / np.linalg.norm(W) / np.linalg.norm(B) > 0.98
    np.testing.assert_allclose(W @ B / (W @ W), 1.0, atol=0.05)


def test_weight_mirror_moves_b_by_its_rate_and_draws_new_noise_at_every_step():
    layer = Feedback(layers.Dense(4), feedback_rules.WeightMirror(rate=0.4))
    layer.build((None, 6))
    x, seen = np.zeros((5, 6), "float32"), []
    for step in range(3):
        before = layer.B.numpy()
        noise = layer.rule.noise_like(tf.constant(x), layer.name, step).numpy()
        seen.append(noise)
        layer(x, training=True)
        mirrored = noise.T @ (noise @ layer.kernel.numpy()) / 5
        share = max(0.4, 1 / (step + 1))  # at first the mean
        expected = before + share * (mirrored - before)
        np.testing.assert_allclose(layer.B, expected, atol=1e-6)
    assert np.abs(seen[0] - seen[1]).min() > 0
    rule = feedback_rules.WeightMirror
    named = [(rule(), "a", 0), (rule(), "b", 0), (rule(), "a", 1), (rule(seed=1), "a", 0)]
    draws = named + [(rule().numbered(number), "a", 0) for number in (0, 1)]
    flat = np.array([np.ravel(r.noise_like(tf.zeros((50, 6)), *where)) for r, *where in draws])
    assert np.abs(np.corrcoef(flat) - np.eye(len(flat))).max() < 0.3  # 300 numbers each
    # A converted model's noise does not depend on how many layers were made before it
    again = rule().numbered(0).noise_like(tf.zeros((50, 6)), "dense_7", 0)
    np.testing.assert_array_equal(np.ravel(again), flat[4])
    for number in range(4):  # keys of both signs
        draw = tf.function(rule().numbered(number).noise_like, jit_compile=True)
        same = rule().numbered(number).noise_like(tf.zeros((5, 6)), "a", 2)
        np.testing.assert_allclose(draw(tf.zeros((5, 6)), "a", 2), same, atol=1e-5)


def correlation_in_float64(noise, kernel):
    """The mean of x a^T over all positions of a convolution without padding, tap by tap."""
    noise, kernel = noise.astype("float64"), kernel.astype("float64")
    rows, columns = noise.shape[1] - 2, noise.shape[2] - 2
    taps = {
        (i, j): noise[:, i : i + rows, j : j + columns].reshape(-1, noise.shape[-1])
        for i, j in np.ndindex(3, 3)
    }
    a = sum(x @ kernel[tap] for tap, x in taps.items())
    return np.reshape([x.T @ a / len(a) for x in taps.values()], kernel.shape)


# The third sums more ones than float16's largest number, 65,504
@pytest.mark.parametrize(
    "policy, roundoff, shape",
    [
        ("mixed_float16", 2**-11, (1, 50, 48, 2)),
        ("mixed_bfloat16", 2**-8, (1, 50, 48, 2)),
        ("mixed_float16", 2**-11, (1, 260, 260, 1)),
    ],
)
def test_a_mirror_s_estimate_differs_from_that_of_float64_by_rounding(policy, roundoff, shape):
    layer = Feedback(layers.Conv2D(3, 3, dtype=policy), feedback_rules.WeightMirror(1.0))
    layer.build((None, *shape[1:]))
    noise = layer.rule.noise_like(tf.zeros(shape), layer.name, 0).numpy()
    expected = correlation_in_float64(noise, layer.kernel.numpy())
    layer(tf.cast(tf.zeros(shape), layer.compute_dtype), training=True)
    assert layer.B.dtype == "float32"
    # Added up one by one, n terms are rounded n times, by up to u of a sum that grows to B: a
    # deviation of u * B * sqrt(n) / 3. Errors of the entries are independent of each other
    deviation = roundoff * np.sqrt((shape[1] - 2) * (shape[2] - 2)) / 3
    error = layer.B.numpy() - expected
    assert np.abs(error).max() < 5 * deviation * np.abs(expected).max()
    length = np.sum(layer.B * expected) / np.sum(expected**2)
    assert abs(length - 1) < 5 * deviation / np.sqrt(expected.size)


@pytest.mark.parametrize("seed", [None, 7, "generator"])
def test_b_has_the_distribution_of_w_and_other_numbers(seed):
    seed = keras.random.SeedGenerator(7) if seed == "generator" else seed
    initializer = keras.initializers.RandomNormal(stddev=0.3, seed=seed)
    layer = Feedback(layers.Dense(40, kernel_initializer=initializer), "fa")
    layer.build((None, 50))
    W, B = np.ravel(layer.kernel), np.ravel(layer.B)
    np.testing.assert_allclose([W.std(), B.std()], 0.3, rtol=0.1)
    assert abs(np.corrcoef(W, B)[0, 1]) < 0.1


def test_b_is_random_where_w_begins_as_a_constant():
    layer = Feedback(layers.Dense(40, kernel_initializer="zeros"), "fa")
    layer.build((None, 50))
    np.testing.assert_allclose(np.std(layer.B), np.sqrt(2 / 90), rtol=0.1)


def test_a_rule_is_any_object_with_a_kernel():
    class Half:
        def kernel(self, W, B):
            return 0.5 * W + 0.5 * B

    layer, x, delta = Feedback(layers.Dense(4), Half()), normal(7, 6), normal(7, 4)
    _, below, _ = error_below(layer, x, delta)
    expected = delta @ (0.5 * layer.kernel.numpy() + 0.5 * layer.B.numpy()).T
    np.testing.assert_allclose(below, expected, atol=1e-5)


def test_regularizers_have_their_stock_losses():
    options = {"kernel_regularizer": "l2", "activity_regularizer": "l1", "activation": "relu"}
    stock, layer = layers.Dense(4, **options), Feedback(layers.Dense(4, **options), "fa")
    x = normal(7, 6)
    layer(x), stock(x)
    stock.set_weights(layer.layer.get_weights())
    layer(x), stock(x)
    np.testing.assert_allclose(sum(layer.losses), sum(stock.losses), rtol=1e-6)
    assert layer.plain().get_config()["activity_regularizer"] is not None
    assert layer.plain().activation is keras.activations.relu


def test_config_makes_the_layer_again():
    options = {"activation": "relu", "activity_regularizer": "l2", "trainable": False}
    layer = Feedback(layers.Conv2D(4, 3, **options), feedback_rules.WeightMirror(0.5, seed=3))
    again = Feedback.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.rule.rate, again.rule.seed, again.trainable) == (0.5, 3, False)
    assert again.activation is keras.activations.relu
    assert again.layer.activation is keras.activations.linear


class TwoMatrices(layers.Dense):
    def __init__(self, **options):
        super().__init__(3, **options)

    def build(self, shape):
        super().build(shape)
        self.other = self.add_weight((3, 3), name="other")


def test_layers_and_rules_that_it_does_not_support_are_refused():
    dense = layers.Dense(3)
    for rule, message in (
        ("hebb", "`rule` must be one of bp, fa, sign_symmetry, .*dfa.*received 'hebb'"),
        (feedback_rules.FA, "`rule` must be one of"),
        ("dfa", r"tp_keras.convert\(model, \"dfa\"\)"),
    ):
        with pytest.raises(ValueError, match=message):
            Feedback(dense, rule)
    with pytest.raises(ValueError, match=r"'first' is channels_first.*channels_last"):
        Feedback(layers.Conv2D(3, 3, data_format="channels_first", name="first"), "fa")
    for layer, shape in (
        (layers.LSTM(3, name="memory"), (None, 4, 5)),
        (layers.Bidirectional(layers.GRU(3), name="memory"), (None, 4, 5)),
        (layers.Embedding(3, 4, name="memory"), (None, 4)),
        (layers.ReLU(name="memory"), (None, 4)),
        (TwoMatrices(name="memory"), (None, 4)),
    ):
        with pytest.raises(ValueError, match="`kernel`, received 'memory', a"):
            Feedback(layer, "fa").build(shape)
    with pytest.raises(ValueError, match="`rate` must be above 0 and at most 1, received 0"):
        feedback_rules.WeightMirror(0)
    with pytest.raises(ValueError, match=r"`feedback_storage` must be one of stored, .*'disk'"):
        feedback_rules.DFA("disk")
