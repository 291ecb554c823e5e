"""Settings that all target rules have."""

import keras
import numpy as np
import rules
import tensorflow as tf

from tp_keras import architectures, learners, objectives


def learner(rule=learners.SDTP, dense=(7, 6), **settings):
    keras.utils.set_random_seed(3)
    network = architectures.build(input_shape=(5,), classes=3, dense=list(dense))
    return rule(network, objectives.SoftmaxCrossEntropy(), noise_stddev=0.1, **settings)


class TargetLearnerTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
        self.y = np.eye(3, dtype="float32")[[0, 2, 1, 1]]

    def test_mean_over_units_divides_every_local_loss_by_its_width(self):
        total, mean = learner(), learner(reduction="mean")
        record = rules.record(total.network, self.x)
        h, errors = record.h, [model.errors(record, self.y) for model in (total, mean)]
        for l, units in {1: 7, 2: 6}.items():
            self.assertAllClose(errors[0][l] / units, errors[1][l])
        self.assertAllEqual(errors[0][3], errors[1][3])
        for model in (total, mean):
            model.compile("sgd", inverse_optimizer="sgd")  # whose steps number the noise
        losses = [model.inverse_losses(h) for model in (total, mean)]
        for l, units in {2: 7, 3: 6}.items():
            self.assertAllClose(losses[0][l] / units, losses[1][l])

    def test_dtp_learns_with_one_hidden_layer(self):
        model = learner(learners.DTP, dense=[7], alpha=0.1)
        model.compile(keras.optimizers.SGD(0.1), inverse_optimizer=keras.optimizers.SGD(0.1))
        before = model.network.f[1].kernel.numpy()
        model.train_on_batch(self.x, self.y)
        self.assertNotAllClose(before, model.network.f[1].kernel)

    def test_settings_out_of_range_are_refused(self):
        for settings, part in [
            ({"reduction": "median"}, "`reduction` must be 'sum' or 'mean', received 'median'"),
            ({"inverse": "none"}, "`inverse` must be one of paired, wide, dense"),
        ]:
            with self.assertRaisesRegex(ValueError, part):
                learner(**settings)
        with self.assertRaisesRegex(
            ValueError, "`noise_stddev` must be a number of at least 0, received -1"
        ):
            learners.SDTP(learner().network, objectives.SoftmaxCrossEntropy(), noise_stddev=-1)
