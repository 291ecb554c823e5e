"""Every experiment file: it says what it is, its numbers are the paper's, and it trains."""

import csv
import gc
import pathlib
import tempfile

import gin
import keras
import numpy as np
import pytest
import tensorflow as tf
from fakes import fake_images, write_photos

from tp_keras import architectures
from tp_keras.experiment import cli
from tp_keras.experiment.bindings import parse_bindings
from tp_keras.layers import Conv2D, Dense
from tp_keras.search import space as search_space
from tp_keras.train import configure

REPOSITORY = pathlib.Path(__file__).parents[1]
REFERENCE = pathlib.Path(__file__).parent / "reference"
LEAVES = sorted((REPOSITORY / "gin").glob("*.gin"))
LEAVES = [leaf.stem for leaf in LEAVES if leaf.stem != "base"]
SPACES = sorted((REPOSITORY / "gin/search").glob("*.gin"))
RULES = {
    "bp": "BP",
    "fa": "FA",
    "dfa": "DFA",
    "dtp": "DTP",
    "sdtp": "SDTP",
    "ao_sdtp": "AOSDTP",
}
# What a leaf binds for a column of Table 5; the inverse's and the rule's where there are any
ADAM = ("learning_rate", "beta_1", "beta_2", "epsilon")
IMAGES = {  # small: the weights of local layers and of those above them grow with the positions
    "mnist": {"shape": (7, 6, 1)},
    "cifar10": {"shape": (7, 6, 3)},
    "quickstart": {"shape": (7, 6, 1)},
}


def rows(table):
    with open(REFERENCE / f"{table}.csv", newline="") as file:
        return list(csv.DictReader(file))


def leaf_name(row):
    """The experiment file of a cell of the paper's tables."""
    keys = ("dataset", "architecture", "method", "schedule")
    if row["dataset"] != "imagenet":
        return "_".join(row[k] for k in keys if row[k])
    network = "" if row["architecture"] == "lc" else "conv_"
    schedule = f"_{row['schedule']}" if row["method"] == "dtp" else ""
    return f"imagenet_{network}{row['method']}{schedule}"


def settings(leaf):
    """All bindings of an experiment file by name."""
    gin.clear_config()
    configure([f"gin/{leaf}.gin"], [])
    found = parse_bindings(gin.config_str())
    gin.clear_config()
    return {name: gin.config.parse_value(text) for name, text in found.items() if "@" not in text}


def columns():
    """`(experiment, column of Table 5)`; AO-SDTP has none of its own and takes SDTP's."""
    found = [(leaf_name(row), row) for row in rows("table5")]
    for row in rows("table5"):
        if row["method"] == "sdtp" and row["dataset"] != "imagenet":
            row = {**row, "method": "ao_sdtp"}
            found.append((leaf_name(row), row))
    return found


@pytest.mark.parametrize("leaf", LEAVES)
def test_opens_with_what_it_is_its_source_the_paper_s_error_and_the_command(leaf):
    lines = (REPOSITORY / f"gin/{leaf}.gin").read_text().splitlines()[:4]
    starts = [
        f"# {leaf}: ",
        "# Numbers: ",
        "# Paper's test error: ",
        f"# python -m tp_keras.train --gin_file=gin/{leaf}.gin",
    ]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts


@pytest.mark.parametrize("leaf, row", columns())
def test_numbers_are_those_of_table_5(leaf, row):
    found, rule = settings(leaf), RULES[row["method"]]
    expected = {f"forward/adam.{name}": row[name] for name in ADAM}
    if row["sigma"]:
        expected |= {f"inverse/adam.{name}": row[f"inverse_{name}"] for name in ADAM}
        expected[f"{rule}.noise_stddev"] = row["sigma"]
    if row["alpha"]:
        expected[f"{rule}.alpha"] = row["alpha"]
    assert {name: found.get(name) for name in expected} == {
        name: float(number) for name, number in expected.items()
    }
    own = [name for name in found if name.startswith(("forward/", "inverse/"))]
    assert sorted(own) == sorted(name for name in expected if "/" in name)


@pytest.mark.parametrize(
    "leaf, error",
    [(leaf_name(row), row["test_error"]) for row in rows("table1")]
    + [(leaf_name(row), row["top1_error"]) for row in rows("table2")],
)
def test_error_beside_ours_is_the_paper_s(leaf, error):
    found = settings(leaf)
    assert found["train.paper_error"] == float(error)
    assert found["train.paper_dataset"] == found["load.name"]
    third_line = (REPOSITORY / f"gin/{leaf}.gin").read_text().splitlines()[2]
    assert float(third_line.split(": ")[1].split()[0]) == float(error)


@pytest.mark.parametrize("leaf", sorted({leaf_name(row) for row in rows("table5")}))
def test_network_is_the_row_of_table_3(leaf):
    dataset, found = leaf.split("_")[0], settings(leaf)
    architecture = found["train.architecture"]
    wanted = (dataset, "lc" if architecture == "conv" else architecture)
    table = [r for r in rows("table3") if (r["dataset"], r["architecture"]) == wanted]
    sizes = ("kernel", "channels_or_units", "stride")
    local = [tuple(int(r[k]) for k in sizes) for r in table if r["kind"] == "local"]
    dense = [int(r["channels_or_units"]) for r in table if r["kind"] == "dense"]
    assert found.get("build.local", []) == local
    assert found.get("build.dense", []) == dense
    assert found.get("build.shared_weights", False) == (architecture == "conv")


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if leaf.endswith("weight_mirror")])
def test_weight_mirrors_rate_predicts_at_most_ten_degrees_to_the_weights(leaf):
    """By the formula of `WeightMirror`, above the layer that reads most."""
    found = settings(leaf)
    shape = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3), "imagenet": (224, 224, 3)}
    shape, inputs = shape[leaf.split("_")[0]], []
    layers = [Conv2D(*np.take(row, (1, 0, 2))) for row in found.get("build.local", [])]
    for layer in [*layers, *map(Dense, found.get("build.dense", [])), Dense(10)]:
        layer.wire(shape)
        shape = layer.out_shape
        inputs.append(layer.fans[0])
    noise = found["WeightMirror.rate"] / 2 / found["load.batch_size"]
    assert 1 < np.degrees(np.arctan(np.sqrt(max(inputs[1:]) * noise))) <= 10


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of TFDS datasets with eight photographs to train on and six to test on."""
    folder = tmp_path_factory.mktemp("tfds")
    write_photos(folder, {"train": 8, "validation": 6})
    return folder


def narrow(leaf):
    """Bindings that keep a leaf's layers and leave them an eighth of their channels and units.

    A ResNet's place takes a chain of two blocks and an output, for its steps would cost ten times
    as much.
    """
    found = settings(leaf)
    if "_resnet20_" in leaf:
        return ["keras_model.builder = @vgg", "vgg.filters = [2]", "vgg.dense = 3"]
    rows = {
        name: found[name]
        for name in ("build.local", "build.dense", "autoencoder.dense")
        if name in found
    }
    return [f"{name} = {[eighth(row) for row in of_layers]}" for name, of_layers in rows.items()]


def eighth(row):
    """Of `(kernel, channels, stride)` or of a number of units."""
    return (row[0], row[1] // 8, row[2]) if isinstance(row, tuple) else row // 8


@pytest.fixture
def eager_steps(leaf):
    """Leaves of CIFAR-10 and ImageNet step without graphs, which are most of the cost of a step.

    MNIST's have the same rules, layers and schedules, and step as users do.
    """
    tf.config.run_functions_eagerly(leaf.startswith(("cifar10", "imagenet")))
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("eager_steps")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")  # tf.data has graphs all the same
@pytest.mark.parametrize("leaf", LEAVES)
def test_trains_two_steps(leaf, photos):
    """Two steps of each phase: an epoch, or two in turns."""
    keras.backend.clear_session()
    problem = leaf.split("_")[0]
    epochs = 2 if leaf.endswith(("_alternating", "_weight_mirror")) else 1
    overrides = [*narrow(leaf), "data.load.batch_size = 4", f"train.epochs = {epochs}"]
    if problem == "imagenet":  # small windows of small photographs
        overrides += ["data.load.image_size = 20", f"data.load.data_dir = '{photos}'"]
    fake = fake_images(examples=8, **IMAGES.get(problem, {}))
    with tempfile.TemporaryDirectory() as folder, fake:
        configure([f"gin/{leaf}.gin"], [*overrides, f"train.run_dir = '{folder}'"])
        result = cli.train()
    gin.clear_config()
    assert (result["epochs"], result["train_examples"]) == (epochs, 8)
    assert 0 <= result["final_test_error"] <= (7 * 6 if "autoencoder" in leaf else 100)
    assert ("best_test_top5_error" in result) == (problem == "imagenet")


@pytest.mark.slow
def test_imagenet_s_network_is_built_whole():
    """260 million weights, the only network of its size among the tests."""
    found = settings("imagenet_bp")
    network = architectures.build((224, 224, 3), 1000, found["build.local"])
    side, channels, weights = 224, 3, 0
    for kernel, filters, stride in found["build.local"]:
        side = -(-side // stride)
        weights += side**2 * filters * (kernel**2 * channels + 1)
        channels = filters
    weights += (side**2 * channels + 1) * 1000
    assert network.count_params() == weights > 2.5e8
    output = network(np.zeros((1, 224, 224, 3), np.float32)).numpy()
    assert output.shape == (1, 1000)
    np.testing.assert_allclose(output.sum(), 1, atol=1e-5)
    del network
    gc.collect()  # a gigabyte, before the next test


def test_a_search_of_table_4_refuses_experiments_by_another_optimizer():
    """One line names the setting that no part of such a run reads."""
    gin.clear_config()
    drawn = ["forward/adam.learning_rate = 1e-4"]
    with pytest.raises(ValueError, match=r"no part of this run reads .*/adam\.learning_rate"):
        configure(["gin/cifar10_resnet20_bp.gin"], drawn)
    gin.clear_config()


@pytest.mark.parametrize(
    "rule, learner, message",
    [
        ("fa", "BP", "keras_model.rule must be None where train.learner = @BP, received 'fa'"),
        ("None", "FA", "keras_model.rule must be 'fa' where train.learner = @FA, received None"),
        ("kolen_pollack", "FA", "must be 'fa' where train.learner = @FA, received 'kolen_pollack'"),
    ],
)
def test_the_rule_of_a_keras_model_s_layers_is_the_learner_s(rule, learner, message):
    gin.clear_config()
    rule = rule if rule == "None" else repr(rule)
    bindings = [f"keras_model.rule = {rule}", f"train.learner = @{learner}"]
    with pytest.raises(ValueError, match=message):
        configure(["gin/cifar10_resnet20_bp.gin"], bindings)
    gin.clear_config()


@pytest.mark.parametrize("space", [path.stem for path in SPACES])
def test_search_draws_settings_that_every_experiment_by_adam_knows(space):
    for leaf in LEAVES:
        if "_resnet20_" in leaf:  # trained by AdamW, which has no interval in Table 4
            continue
        gin.clear_config()
        configure([f"gin/{leaf}.gin", f"gin/search/{space}.gin"], [])
        bound = gin.get_bindings(cli.train)
        domains = search_space.build_space(bound["learner"], "inverse_optimizer" in bound)
        assert "forward/adam.learning_rate" in domains
        drawn = search_space.draw(domains, seed=0, number=0)
        gin.clear_config()
        configure([f"gin/{leaf}.gin"], [f"{name} = {value!r}" for name, value in drawn.items()])
        assert {name: gin.query_parameter(name) for name in drawn} == drawn
    gin.clear_config()
