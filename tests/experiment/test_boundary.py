"""Settings of experiment files are checked in one place, before anything is built or written."""

import inspect
import math
import re

import gin
import pytest
from command_line import CommandLine
from fakes import fake_images

import tp_keras.search.trials
import tp_keras.train  # noqa: F401, both for what they register with gin
from tp_keras.experiment import config
from tp_keras.experiment.settings import TABLE

pytestmark = pytest.mark.usefixtures("clean_gin")
OURS = ("tp_keras.", "keras.", "optuna.")
GIVEN = {"network", "objective", "name", "input_shape", "classes", "learner", "has_inverse"}
NUMBERS_OF_RULES = (
    *("noise_stddev", "alpha", "beta", "feedback_limit", "decay", "rate", "auxiliary_units"),
)
GIVEN |= {"folder", "inverses"}
# The parameters that may have a value which all others must refuse
SIZES = {
    *("adam_weight_decay", "adam_lr_ratio", "clip_threshold", "rms_rate", "weight_decay"),
    *("initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength"),
    *("l2_shrinkage_regularization_strength", "beta", "rho", "momentum", "ema_momentum"),
    *("adam_beta_1", "adam_beta_2", "initial_learning_rate", "end_learning_rate", "warmup_target"),
    *("decay_rate", "m_mul", "power", "t_mul", "alpha"),
}
ANY = {"learning_rate_power", "beta_2_decay", "muon_a", "muon_b", "muon_c"}
POSITIVE = {"clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor", "wait_minutes"}
MAY_BE = {
    -1: {"seed", "baseline", *ANY},
    0: {
        *("seed", "epochs", "validation_examples", "crop_padding", "noise_stddev", "beta_1"),
        *("beta_2", "decay", "min_delta", "patience", "verbose", "baseline", "start_from_epoch"),
        *("cooldown", "min_lr", "min_early_stopping_rate", "bootstrap_count", "paper_error"),
        *(*SIZES, *ANY, "warmup_steps"),
    },
    0.5: {
        *("paper_error", "checkpoint_minutes", "learning_rate", "beta_1", "beta_2", "epsilon"),
        *("noise_stddev", "alpha", "beta", "feedback_limit", "decay", "rate", "min_delta"),
        *("baseline", "factor", "min_lr", "epsilon_1", "epsilon_2", *SIZES, *ANY, *POSITIVE),
    },
    "3": {
        "paper_dataset",
        *("run_dir", "architecture", "data_dir"),
        *("train_split", "test_split", "image_feature", "label_feature"),
    },
}
NOBODY_MAY_BE = (
    math.nan,
    math.inf,
    1e300,
    10**40,
    10**5000,
    -(10**40),
    {"x": 1},
    [["x"]],
    "\0",
    "",
)


def parameters():
    """Selector, parameter and default of all that gin lets an experiment file bind."""
    for selector, found in sorted(gin.config._REGISTRY.items()):
        called = found.wrapped.__init__ if inspect.isclass(found.wrapped) else found.wrapped
        if selector.startswith(OURS):
            for parameter in inspect.signature(called).parameters.values():
                if parameter.name not in ("self", "args", "kwargs"):
                    yield selector, parameter.name, parameter.default


EVERY = list(parameters())


def refusal(selector, parameter, value):
    """The line that a single value is refused by; None where it is taken."""
    gin.clear_config()
    gin.bind_parameter(f"{selector}.{parameter}", value)
    try:
        gin.finalize()
    except ValueError as error:
        return str(error)
    return None


def test_every_parameter_of_every_configurable_has_a_row():
    assert len(EVERY) > 100
    rows = {(selector, name) for selector, row in TABLE.items() for name in row}
    assert {(selector, name) for selector, name, _ in EVERY} <= rows


@pytest.mark.parametrize("selector", sorted({selector for selector, *_ in EVERY}))
def test_every_parameter_refuses_what_it_cannot_be_in_one_line(selector):
    for _, name, default in (one for one in EVERY if one[0] == selector):
        values = [(value, False) for value in NOBODY_MAY_BE]
        values += [(value, name in names) for value, names in MAY_BE.items()]
        # Of AdamW, where 0.004 is usual; a rule's numbers follow an objective that is optional
        optional = (default is None or name == "weight_decay") and name not in NUMBERS_OF_RULES
        values += [(None, optional and name not in GIVEN)]
        if selector == "tp_keras.training.train" and name in ("network", "objective", "learner"):
            values = [(value, False) for value, _ in values]
        for value, may in values:
            if name == "name" and selector == "tp_keras.data.load" and value == "3":
                continue  # any text may be the name of a dataset
            line = refusal(selector, name, value)
            assert (line is None) == may, (name, str(value)[:20] if value != 10**5000 else "", line)
            if line is not None:
                assert "\n" not in line and len(line) <= 300, line
                function = selector.rpartition(".")[2]
                assert f"{function}.{name}" in line and "received" in line


def test_defaults_are_allowed():
    for selector, name, default in EVERY:
        if default is not inspect.Parameter.empty and not (name == "name" or default is None):
            assert refusal(selector, name, default) is None, (selector, name)


def configured(*settings, file="gin/mnist_fc_sdtp_parallel.gin"):
    """The line that an experiment is refused by."""
    gin.clear_config()
    with pytest.raises(ValueError) as caught:
        config.configure([file], ["train.run_dir = 'x'", *settings])
    line = str(caught.value)
    assert "\n" not in line and len(line) <= 300
    return line


@pytest.mark.parametrize(
    "settings, words",
    [
        (["train.learner = @BP"], "train.inverse_optimizer must be None where .*@BP"),
        (
            ["train.inverse_optimizer = None"],
            "must be .*@inverse/adam where .*@SDTP.* received None",
        ),
        (["train.learner = @DTP"], "DTP has no value for 'noise_stddev', 'alpha'"),
        (["DTP.alpha = 1"], "no part of this run reads the setting DTP.alpha"),
        (["x = 1"], "no part of this run reads the setting x:"),
        (["other/adam.epsilon = 0.1"], "no part of this run reads the setting other/adam.epsilon"),
        (["train.optimizer = @SDTP"], "train.optimizer must be .*@forward/adam, received @SDTP"),
        (["train.optimizer = @forward/adam()"], "train.optimizer must be a reference"),
        (["train.callbacks = [@adam]"], "train.callbacks must be a list of references"),
        (["train.callbacks = @Diagnostics"], "train.callbacks must be a list of references"),
        (["a = %b", "b = %a", "train.epochs = %a"], "circular"),
        (["seed = 'x'"], r"seed \(--seed\) must be a whole number"),
        (["build.dense = [16, %n]", "n = 0.5"], r"build.dense must be .* received \[16, 0.5\]"),
        (["build.dense = 256"], r"build.dense must be a list of units .* received 256"),
        (["build.local = [3, 32, 2]"], r"build.local must be a list of \(kernel_size, channels"),
        (["build.activation = 'softmax'"], "build.activation must be an elementwise activation"),
        (["build.dtype = 'int32'"], "build.dtype must be 'float32', 'mixed_bfloat16' or None"),
        (["train.epochs = True"], "whole number from 0 to 1000000, received True"),
        (["train.epochs = 1e999"], "received inf"),
        (["ReduceLROnPlateau.min_learning_rate = 1"], "there is no setting ReduceLROnPlateau.min"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(settings, words):
    line = configured(*settings)
    assert re.search(words, line), line


def test_a_search_space_holds_known_settings_and_allowed_values():
    for setting, words in (
        ("space.uniform = {'alhpa': (.1, .2)}", "'alhpa'"),
        ("space.uniform = {'alpha': (.2, .1)}", "'alpha'"),
        ("space.log_uniform = {'adam.learning_rate': (0.0, .1)}", "'adam.learning_rate'"),
        ("space.choices = {'noise_stddev': (1,), 'forward/adam.beta_1': (1.5,)}", "{'forward/adam"),
        ("space.choices = {'adam.nope': (1,)}", "'adam.nope'"),
        ("space.choices = {'noise_stddev': ()}", "()"),
        ("space.uniform = {'data.load.batch_size': (8, 64)}", "batch_size"),
        ("space.uniform = {'AOSDTP.auxiliary_units': (8, 64)}", "auxiliary_units"),
    ):
        line = configured(setting, file="gin/search/table4.gin")
        assert words in line and line.startswith("space.")


def test_a_setting_without_scope_is_read_by_all_scopes():
    config.configure(
        ["gin/mnist_fc_bp.gin"], ["adam.epsilon_form = 'paper'", "train.run_dir = 'x'"]
    )


def test_configurables_of_other_packages_are_not_checked():
    def own(number):
        return number

    gin.external_configurable(own, name="own_function", module="another_package")
    settings = ["train.network = @own_function", "own_function.number = -1", "train.run_dir = 'x'"]
    config.configure(["gin/mnist_fc_bp.gin"], settings)


class NothingIsWrittenTest(CommandLine):
    def test_what_is_refused_leaves_nothing_behind(self):
        for arguments, *parts in (
            (["--num_devices=100000"], "train.num_devices (--num_devices)", "from 1 to 64"),
            (["--run_dir="], "train.run_dir (--run_dir)", "received ''"),
            (["--run_dir=~nobody_at_all/x"], "--run_dir", "nobody_at_all"),
            (["--data_dir="], "data.load.data_dir (--data_dir)", "received ''"),
            (["--epochs=-1"], "train.epochs (--epochs)", "-1"),
            (["--seed=99999999999999999999"], "--seed"),
            (["--gin_bindings=train.paper_error = 'x'"], "paper_error"),
            (["--gin_bindings=import antigravity"], "antigravity", "--trust_gin_imports"),
            (["--gin_bindings=data.load.crop_padding = 29"], "crop_padding", "28"),
            (["--gin_bindings=data.load.label = 'image'"], "784", "10"),
            (["--gin_bindings=build.local = [(99, 3, 1)]"], "kernel_size", "28x28"),
            (["--gin_bindings=build.local = [(3, 3, 50)]"], "stride", "28x28"),
        ):
            with self.subTest(arguments=arguments), fake_images():
                self.assert_refused(["--gin_file=gin/mnist_fc_bp.gin", *arguments], *parts)
                self.assertEqual(list(self.folder.iterdir()), [])
