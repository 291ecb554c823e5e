"""Stock Keras models that learn by a rule, and back."""

import keras
import keras_models
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_models import assert_same, batch, compiled, feedbacks, gradients

from tp_keras import architectures, convert, feedback_rules, plain
from tp_keras.data import tfds
from tp_keras.layers import Dense, DirectFeedback, LocallyConnected2D

RULES = ("fa", "sign_symmetry", "kolen_pollack", "weight_mirror")
CONTROL = [
    *keras_models.SMALL,
    pytest.param("resnet20", marks=pytest.mark.slow),
    pytest.param("mobilenet", marks=pytest.mark.slow),
    pytest.param("resnet50", marks=pytest.mark.slow),
]


def stock_model(name):
    if name == "resnet20":
        return architectures.resnet20(keras_models.SHAPE, keras_models.CLASSES)
    return getattr(keras_models, name)()


def stock_batch(model, size=4):
    return batch(size, model.input_shape[1:])


def tie(model):
    """Makes every B the W that it stands for."""
    for layer in feedbacks(model):
        for B, W in zip(layer.feedback, layer.kernels, strict=True):
            B.assign(W)


def excluded(name, rule):
    """What a rule cannot serve in the models of these tests."""
    if name != "varied":
        return []
    return {"weight_mirror": ["separable"], "dfa": ["nested"]}.get(rule, [])


def landing(model):
    return next(layer for layer in model.layers if isinstance(layer, DirectFeedback))


@pytest.mark.parametrize("name", CONTROL)
def test_bp_is_the_stock_gradient_to_the_bit_and_fa_is_bp_where_tied(name):
    stock = compiled(stock_model(name))
    x, y = stock_batch(stock)
    models = [stock, convert(stock, "bp"), convert(stock, "fa")]
    stock, bp, fa = (
        tf.function(lambda m=model: gradients(m, x, y), autograph=False) for model in models
    )
    seeds = [v for v in models[2].variables if "seed" in v.name]
    state = [v.numpy() for v in seeds]
    expected, free = stock(), fa()
    assert_same(expected, bp(), rtol=0, atol=0)
    size = max(np.abs(g).max() for g in expected.values())
    apart = [np.abs(u - v).max() for u, v in zip(expected.values(), free.values(), strict=True)]
    assert max(apart) > 0.01 * size  # or the next lines would prove nothing
    tie(models[2])
    for seed, value in zip(seeds, state, strict=True):
        seed.assign(value)
    # ResNet50's gradients reach 1e3 where it is not trained: 1e-6 of that
    assert_same(expected, fa(), rtol=0, atol=1e-6 * max(1, size))


def test_forward_pass_moving_statistics_and_dropout_are_the_stock_models():
    stock = compiled(keras_models.residual(dropout=0.5))
    x, y = batch()
    stock.fit(x, y, verbose=0)
    model = convert(stock, "fa")
    for training in (False, True, True):
        np.testing.assert_array_equal(stock(x, training=training), model(x, training=training))
    theirs = [w for w in model.non_trainable_weights if w.name != "feedback"]
    for u, v in zip(stock.non_trainable_weights, theirs, strict=True):
        np.testing.assert_array_equal(u, v)


@pytest.mark.parametrize("optimizer", [keras.optimizers.AdamW, keras.optimizers.SGD])
def test_kolen_pollack_brings_b_and_w_together_by_the_decay(optimizer):
    model = convert(compiled(keras_models.residual()), "kolen_pollack")
    compiled(model, optimizer(0.1, weight_decay=0.5))
    x, y = batch()
    before = [np.linalg.norm(f.B.numpy() - f.kernel.numpy()) for f in feedbacks(model)]
    model.fit(x, y, epochs=4, verbose=0)
    after = [np.linalg.norm(f.B.numpy() - f.kernel.numpy()) for f in feedbacks(model)]
    np.testing.assert_allclose(np.divide(after, before), (1 - 0.1 * 0.5) ** 4, rtol=1e-4)


def test_weight_mirror_finds_the_kernels_while_the_model_fits():
    model = convert(compiled(keras_models.residual()), feedback_rules.WeightMirror(rate=0.05))
    compiled(model, keras.optimizers.SGD(1e-3), run_eagerly=False)
    x, y = batch(32)
    model.fit(x, y, epochs=100, batch_size=32, verbose=0)
    assert len(feedbacks(model)) == 6
    for layer in feedbacks(model):
        B, W = np.ravel(layer.B), np.ravel(layer.kernel)
        assert B @ W / np.linalg.norm(B) / np.linalg.norm(W) > 0.9, layer.name
        np.testing.assert_allclose(B @ W / (W @ W), 1, atol=0.2)
    assert len({int(layer.rule.number) for layer in feedbacks(model)}) == 6


@pytest.mark.parametrize("storage", feedback_rules.DFA.STORAGES)
def test_dfa_by_hand(storage):
    stock = keras.Sequential(
        [keras.Input((6,)), *(layers.Dense(n, "tanh") for n in (7, 8))]
        + [layers.Dense(keras_models.CLASSES, "softmax")]
    )
    model = compiled(convert(compiled(stock), feedback_rules.DFA(storage, seed=3)))
    x, y = batch(4, (6,))
    (W1, b1, W2, b2, W3, b3) = (w.numpy() for w in stock.weights)
    h1 = np.tanh(x @ W1 + b1)
    h2 = np.tanh(h1 @ W2 + b2)
    exponent = np.exp(h2 @ W3 + b3)
    delta = (exponent / exponent.sum(1, keepdims=True) - np.eye(keras_models.CLASSES)[y]) / 4
    B = landing(model).B
    B1, B2 = ((b.matrix().numpy().T if storage == "seeded" else np.float32(b)) for b in B)
    delta1, delta2 = delta @ B1 * (1 - h1**2), delta @ B2 * (1 - h2**2)
    expected = [x.T @ delta1, delta1.sum(0), h1.T @ delta2, delta2.sum(0), h2.T @ delta]
    found = list(gradients(model, x, y).values())
    for u, v in zip([*expected, delta.sum(0)], found, strict=True):
        np.testing.assert_allclose(u, v, atol=2e-3 if "bfloat16" in storage else 1e-6)
    assert np.linalg.norm(B1[:, :5]) > 0 and np.abs(B1[:, :7] - B2[:, :7]).max() > 0.1


@pytest.mark.parametrize("at", [None, ["re_lu", "re_lu_2"]])
def test_dfa_is_the_gradient_of_each_block(at):
    """Between a landing place and the next: shortcuts, too, are cut where the error lands."""
    keras.backend.clear_session()
    stock = compiled(keras_models.residual())
    model = convert(stock, "dfa", at=at)
    x, y = batch()
    found = gradients(model, x, y)
    h = landing(model).input[1:]
    assert len(h) == (2 if at else 5)
    stops = keras.Model(model.inputs, [*h, landing(model).input[0]])
    with tf.GradientTape() as tape:
        *h, last = stops(x, training=True)
        a = landing(model).layer(last)
    delta = (tf.nn.softmax(a) - tf.one_hot(y, keras_models.CLASSES)) / len(y)
    errors = [tf.reshape(delta @ B, z.shape) for z, B in zip(h, landing(model).B, strict=True)]
    weights = [w.value for w in model.trainable_weights]
    expected = tape.gradient([*h, a], weights, output_gradients=[*errors, delta])
    assert_same(found, dict(enumerate(expected)), atol=1e-5)


@pytest.mark.parametrize("rule", [*RULES, "dfa"])
def test_a_step_of_two_replicas_is_a_step_of_one(rule):
    stock = compiled(keras_models.tiny())
    x, y = batch(8)
    models = [convert(stock, rule)]
    # Collectives would clash with those of an earlier strategy of this process
    reduction = tf.distribute.ReductionToOneDevice()
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], cross_device_ops=reduction)
    with strategy.scope():
        models.append(convert(stock, rule))
        for u, v in zip(models[1].weights, models[0].weights, strict=True):
            u.assign(v)
        compiled(models[1], keras.optimizers.SGD(0.1, weight_decay=0.1), run_eagerly=False)
    compiled(models[0], keras.optimizers.SGD(0.1, weight_decay=0.1), run_eagerly=False)
    before = [w.numpy() for w in models[0].weights]
    for model in models:
        model.fit(x, y, batch_size=8, epochs=3, verbose=0, shuffle=False)
    for u, v in zip(models[1].weights, models[0].weights, strict=True):
        np.testing.assert_allclose(u, v, atol=1e-6, err_msg=v.path)
    moved = {w.name for w, v in zip(models[0].weights, before, strict=True) if np.any(w != v)}
    assert ("feedback" in moved) == (rule in ("kolen_pollack", "weight_mirror"))


@pytest.mark.parametrize("rule", [*RULES, "dfa"])
def test_saved_loaded_and_resumed_is_as_if_never_stopped(rule, tmp_path):
    """Without dropout: Keras saves no state of its generators."""
    model = convert(compiled(keras_models.residual()), rule)
    compiled(model, keras.optimizers.Adam(0.01), metrics=["accuracy"])
    x, y = batch()
    model.fit(x, y, epochs=2, verbose=0, shuffle=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    before = [w.numpy() for w in model.weights]
    for one in (model, loaded):
        one.fit(x, y, epochs=2, verbose=0, shuffle=False)
    for u, v in zip(model.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(u, v, err_msg=u.path)
    moved = [w.name for w, v in zip(model.weights, before, strict=True) if np.any(w != v)]
    assert ("steps" in moved) == (rule == "weight_mirror")


@pytest.mark.parametrize("rule", ["bp", *RULES, "dfa"])
def test_mixed_precision_follows_float32(rule):
    assert_follow_float32(rule, ["mixed_float16", "mixed_bfloat16"])


@pytest.mark.parametrize(
    "rule",
    ["kolen_pollack", "dfa"]
    + [pytest.param(r, marks=pytest.mark.slow) for r in ("bp", *RULES) if r != "kolen_pollack"],
)
def test_xla_and_mixed_precision_follow_float32(rule):
    assert_follow_float32(rule, ["mixed_bfloat16"], jit_compile=True, run_eagerly=False)


def assert_follow_float32(rule, policies, **options):
    reference = convert(compiled(keras_models.tiny(), keras.optimizers.SGD(0.2)), rule)
    models = [in_policy(policy, rule, **options) for policy in policies]
    for model in models:
        model.set_weights(reference.get_weights())
    x, y = batch()
    one, *others = (m.fit(x, y, epochs=4, verbose=0).history["loss"] for m in (reference, *models))
    for other in others:
        np.testing.assert_allclose(one, other, rtol=0.03)
    assert np.ptp(one) > 0.1


def in_policy(policy, rule, **options):
    """The smallest model, converted, under a policy of dtypes."""
    keras.config.set_dtype_policy(policy)
    try:
        stock, optimizer = keras_models.tiny(), keras.optimizers.SGD(0.2)
        if policy == "mixed_float16":  # at Keras' scale the first steps overflow, and are skipped
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=256.0)
        compiled(stock, optimizer, **options)
        model = convert(stock, rule)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.jit_compile == options.get("jit_compile", False)
    assert model.layers[-1].dtype_policy.name == policy
    return model


@pytest.mark.parametrize("rule", ["bp", *RULES, "dfa"])
def test_plain_gives_stock_layers_that_predict_the_same(rule):
    stock = compiled(keras_models.varied())
    model = convert(stock, rule, exclude=excluded("varied", rule))
    x, y = batch()
    model.fit(x, y, epochs=2, verbose=0)
    back = plain(model)
    ours = [layer for layer in keras_models.all_layers(model) if is_ours(layer)]
    assert len(ours) > 5 and not any(map(is_ours, keras_models.all_layers(back)))
    names, expected = ({x.name for x in keras_models.all_layers(m)} for m in (back, stock))
    assert names == expected and back.name == stock.name
    np.testing.assert_array_equal(model(x), back(x))
    assert np.any(stock(x).numpy() != back(x).numpy())
    assert [w.shape for w in back.weights] == [w.shape for w in stock.weights]
    back.fit(x, y, verbose=0)


def is_ours(layer):
    return type(layer).__module__.startswith("tp_keras")


@pytest.mark.parametrize("rule", ["fa", "dfa"])
def test_weights_names_and_settings_of_compile_are_kept(rule):
    keras.utils.set_random_seed(2)
    stock = compiled(
        keras_models.residual(),
        keras.optimizers.Adam(0.03, beta_1=0.7),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
        steps_per_execution=2,
        run_eagerly=False,
    )
    x, _ = batch()
    for model in (convert(stock, rule), plain(convert(stock, rule))):
        np.testing.assert_array_equal(stock(x), model(x))
        for layer in stock.layers:
            assert model.get_layer(layer.name).name == layer.name
        assert model.optimizer.get_config() == stock.optimizer.get_config()
        assert model.optimizer is not stock.optimizer
        assert isinstance(model.loss, keras.losses.SparseCategoricalCrossentropy)
        assert model.steps_per_execution == 2
        assert model.get_compile_config()["metrics"] == ["accuracy"]
    never = keras_models.tiny()
    assert not convert(never, rule).compiled


@pytest.mark.parametrize("rule", ["kolen_pollack", "dfa"])
def test_what_is_frozen_stays_and_can_be_unfrozen(rule):
    stock = keras_models.residual()
    for layer in stock.layers[:-1]:
        layer.trainable = False
    model = compiled(convert(compiled(stock), rule))
    x, y = batch()
    before = [w.numpy() for w in model.weights]
    top = model.get_layer("top")
    assert {id(w) for w in model.trainable_weights} == {id(w) for w in top.trainable_weights}
    model.fit(x, y, verbose=0)
    for weight, value in zip(model.weights, before, strict=True):
        moves = any(weight is w for w in top.trainable_weights)
        assert np.any(weight != value) == moves, weight.path
    count = len(convert(keras_models.residual(), rule).trainable_weights)
    for layer in model.layers:
        layer.trainable = True
    assert len(model.trainable_weights) == count
    back = plain(model)
    assert len(back.trainable_weights) == len(keras_models.residual().trainable_weights)


def test_a_frozen_model_within_a_model_stays_frozen():
    base = keras_models.residual()
    base.trainable = False
    inputs = keras.Input(keras_models.SHAPE)
    stock = keras.Model(inputs, layers.Dense(5, "softmax")(base(inputs, training=False)))
    model = compiled(convert(compiled(stock), "fa"))
    assert not model.get_layer(base.name).trainable
    assert [w.shape for w in model.trainable_weights] == [(5, 5), (5,)]
    x, y = batch()
    statistics = [w.numpy() for w in model.get_layer(base.name).weights]
    model.fit(x, y, verbose=0)
    for old, new in zip(statistics, model.get_layer(base.name).weights, strict=True):
        np.testing.assert_array_equal(old, new)  # `training=False` came along


def test_keras_clones_a_converted_model():
    x, y = batch()
    for rule in ("weight_mirror", "dfa"):
        model = convert(compiled(keras_models.tiny()), rule)
        clone = keras.models.clone_model(model)
        clone.set_weights(model.get_weights())
        for one in (model, compiled(clone)):
            one.fit(x, y, verbose=0)
        for u, v in zip(model.weights, clone.weights, strict=True):
            np.testing.assert_array_equal(u, v)


def test_the_lowest_layers_that_learn_need_no_feedback():
    found = lambda model: [layer.name for layer in feedbacks(model)]  # noqa: E731
    conv = lambda name: layers.Conv2D(2, 3, padding="same", name=name)  # noqa: E731
    inputs = keras.Input(keras_models.SHAPE)
    left, shared = conv("left")(inputs), conv("shared")
    # `shared` reads the input, and what has been learned: errors pass through it
    x = layers.Concatenate()([shared(inputs), shared(left), conv("right")(inputs)])
    model = keras.Model(inputs, conv("top")(x))
    assert sorted(found(convert(model, "fa"))) == ["shared", "top"]
    normalisation = layers.Normalization(mean=0.0, variance=1.0)
    chain = keras.Sequential([inputs, normalisation, conv("a"), conv("b")])
    assert found(convert(chain, "fa")) == ["b"]
    for nested in (model, chain):
        outer = keras.Sequential([keras.Input(keras_models.SHAPE), nested, conv("outer")])
        assert "a" not in found(convert(outer, "fa")) and "left" not in found(convert(outer, "fa"))
    outer = keras.Sequential([keras.Input((12, 14, 2)), conv("outer"), chain])
    assert found(convert(outer, "fa")) == ["a", "b"]


def test_excluded_layers_keep_their_own_gradient():
    stock = compiled(keras_models.varied())
    x, y = batch()
    names = [layer.name for layer in feedbacks(convert(stock, "fa"))]
    model = convert(stock, "fa", exclude=[n for n in names if n not in ("logits", "inner")])
    assert [layer.name for layer in feedbacks(model)] == ["inner", "logits"]
    assert feedbacks(convert(stock, "fa", exclude=["nested"]))[-1].name == "logits"
    everything = convert(stock, "fa", exclude=names)
    assert_same(gradients(stock, x, y), gradients(everything, x, y), rtol=0, atol=0)


def test_feedback_weights_outlive_a_change_of_rule():
    model = convert(compiled(keras_models.tiny()), "kolen_pollack")
    for rule in ("fa", "sign_symmetry", "weight_mirror"):
        for old, new in zip(feedbacks(model), feedbacks(convert(model, rule)), strict=True):
            np.testing.assert_array_equal(old.B, new.B)
    direct = convert(model, "dfa")
    assert not feedbacks(direct)
    assert len(feedbacks(convert(direct, "fa"))) == 3


def test_locally_connected_layers_convert_like_any_other():
    stock = keras.Sequential(
        [keras.Input((7, 5, 2)), LocallyConnected2D(3, 3, 2, "tanh")]
        + [LocallyConnected2D(4, 3, 1, "tanh"), Dense(keras_models.CLASSES, "softmax")]
    )
    x, y = batch(shape=(7, 5, 2))
    model = convert(compiled(stock), "fa")
    assert len(feedbacks(model)) == 2
    tie(model)
    assert_same(gradients(stock, x, y), gradients(model, x, y), atol=1e-6)


def test_outputs_of_other_kinds_under_dfa():
    """The error is that of what the output's nonlinearity reads, whatever makes it."""
    inputs = keras.Input((6,))
    h = layers.Dense(5, "tanh")(layers.Dense(7, "tanh")(inputs))
    for top in (
        layers.Softmax(),
        layers.Activation("softmax"),
        keras.ops.softmax,
        layers.Dropout(0),
    ):
        stock = compiled(keras.Model(inputs, top(h)), loss="categorical_crossentropy")
        model = convert(stock, "dfa")
        x, y = batch(4, (6,))
        y = np.eye(5)[y]
        np.testing.assert_array_equal(stock(x), model(x))
        expected, found = (list(gradients(m, x, y).values()) for m in (stock, model))
        for u, v in zip(expected[2:], found[2:], strict=True):  # below it nothing is random
            np.testing.assert_allclose(u, v, atol=1e-6)
        assert np.abs(found[0]).max() > 1e-4
        assert np.abs(expected[0] - found[0]).max() > 1e-4
        back = plain(model)
        np.testing.assert_array_equal(stock(x), back(x))
        assert len(back.layers) == len(stock.layers)


class Own(keras.Model):
    def call(self, x):
        return x


class OwnTraining(keras.Model):
    def __init__(self, inputs, outputs, shift):
        super().__init__(inputs, outputs)
        self.shift = shift


class OwnLayer(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight((shape[-1], 3))

    def call(self, x):
        return tf.nn.relu(x @ self.kernel)


def test_what_cannot_be_converted_is_named():
    sequence = keras.Input((6, 4))
    h = layers.Dense(5, name="below")(sequence)
    for layer in (
        layers.LSTM(3, name="culprit"),
        layers.Bidirectional(layers.GRU(3), name="culprit"),
        layers.TimeDistributed(layers.Dense(3), name="culprit"),
        OwnLayer(name="culprit"),
        layers.MultiHeadAttention(2, 3, name="culprit"),
    ):
        x = layer(h, h) if isinstance(layer, layers.MultiHeadAttention) else layer(h)
        model = keras.Model(sequence, layers.Dense(2, name="above")(x))
        for rule in ("fa", "dfa"):
            with pytest.raises(ValueError, match=r"'culprit' .*name it in `exclude`"):
                convert(model, rule)
        assert feedbacks(convert(model, "fa", exclude="culprit"))[0].name == "above"
        convert(model, "dfa", exclude=["culprit"])


def test_models_and_arguments_that_cannot_be_served_are_refused():
    inputs = keras.Input((4,))
    h = layers.Dense(3, name="h")(inputs)
    two = keras.Model(inputs, [layers.Dense(2, name="a")(h), layers.Dense(2, name="b")(h)])
    one = keras.Model(inputs, layers.Dense(2, name="top")(h))
    nested = keras.Sequential([inputs, keras.Sequential([layers.Dense(3)], name="in")])
    nested.add(layers.Dense(2))
    image = keras.Input((3, 8, 8))
    first = layers.Conv2D(2, 3, data_format="channels_first", name="first")
    below = layers.Dense(8)(image)
    cases = [
        (Own(), "fa", {}, r"write tp_keras.layers.Feedback\(layer, rule\).*received Own"),
        (OwnTraining(inputs, h, 1), "fa", {}, r"Keras copies OwnTraining without its own methods"),
        (OwnTraining(inputs, h, 1), "dfa", {}, r"Keras copies OwnTraining without its own methods"),
        (
            keras.Sequential([layers.Dense(3)]),
            "fa",
            {},
            r"must be built: begin it with keras.Input",
        ),
        (two, "dfa", {}, r"one output, received a model of 2: a, b"),
        (nested, "dfa", {}, r"model 'in' is nested.*`exclude`.*`at`"),
        (keras.Model(image, first(below)), "fa", {}, r"'first' is channels_first.*`exclude`"),
        (keras.Model(image, first(below)), "dfa", {}, r"'first' is channels_first.*`exclude`"),
        (one, "hebb", {}, r"`rule` must be one of bp, fa, .*, dfa, .*received 'hebb'"),
        (one, None, {}, r"`rule` must be one of"),
        (one, "fa", {"exclude": ["nobody"]}, r"`exclude` must name layers.*\['nobody'\]"),
        (one, "dfa", {"at": ["nobody"]}, r"`at` must name layers.*\['nobody'\]"),
        (one, "dfa", {"at": ["top"]}, r"`at` must name layers below the output's.*\['top'\]"),
        (one, "fa", {"at": ["h"]}, r"`at` .*\"dfa\""),
    ]
    for model, rule, options, message in cases:
        with pytest.raises(ValueError, match=message):
            convert(model, rule, **options)
    for model in (Own(), keras.Sequential([layers.Dense(3)])):
        with pytest.raises(ValueError, match="`model` must be"):
            plain(model)
    assert len(feedbacks(convert(two, "fa"))) == 2
    everywhere = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(2, 3)])
    everywhere.add(layers.Conv2D(2, 3, name="top"))
    with pytest.raises(ValueError, match=r"must be known for DFA.*'top'"):
        convert(everywhere, "dfa")


def test_a_converted_sequential_saves_its_rule(tmp_path):
    rule = feedback_rules.DFA("seeded", seed=5)
    model = convert(compiled(keras_models.tiny()), rule)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert (landing(loaded).feedback_storage, landing(loaded).seed) == ("seeded", 5)
    x, y = batch()
    assert_same(gradients(model, x, y), gradients(loaded, x, y), rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["bp", *RULES, "dfa"])
def test_every_rule_teaches_lenet_to_read_digits(rule):
    (images, labels), _ = tfds.read("mnist_5k")[0].values()
    chosen = np.random.default_rng(0).permutation(len(images))[:2000]
    keras.utils.set_random_seed(0)
    model = convert(architectures.lenet((28, 28, 1), 10), rule)
    options = {"metrics": ["accuracy"], "run_eagerly": False}
    compiled(model, keras.optimizers.AdamW(2e-3, weight_decay=0.05), **options)
    found = model.fit(images[chosen] / 255, labels[chosen], 50, epochs=4, verbose=0).history
    assert found["loss"][-1] < 0.5 * found["loss"][0]
    assert found["accuracy"][-1] > 0.75
