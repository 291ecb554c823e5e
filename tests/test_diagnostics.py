"""What the diagnostics measure, and that training is the same with them."""

import csv

import gin
import keras
import numpy as np
import rules
import tensorflow as tf
from absl.testing import parameterized
from command_line import FolderTest
from fakes import fake_images
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from test_graph_cost import traced_step

from tp_keras import data, learners, objectives
from tp_keras.diagnostics import Diagnostics, mean_angle, measure
from tp_keras.experiment import cli
from tp_keras.experiment.run_directory import RunDirectory
from tp_keras.train import configure

ALL = [(key, *rules.RULES[name]) for key, name in rules.NAMED_RULES]


def measured(learner):
    x, y = rules.batch()
    return measure(learner, tf.constant(x), tf.constant(y))


class MeasureTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*ALL)
    def test_every_rule_is_measured(self, rule, arguments):
        learner = rule(rules.local_network(), objectives.SoftmaxCrossEntropy(), **arguments)
        found = measured(learner)
        values = [value for layers in found.values() for value in layers.values()]
        self.assertTrue(np.all(np.isfinite(values)))
        self.assertAllClose(found["angle of update"][4], 0, atol=0.05)  # the same in all rules
        self.assertEqual(set(found["saturation"]), {1, 2, 3})
        self.assertEqual(set(found["reconstruction error"]), set(getattr(learner, "g", {})))
        targets = {1, 2, 3} if hasattr(learner, "targets") else set()
        self.assertEqual(set(found["distance to target"]), targets)

    def test_bp_has_no_angle_to_itself_and_fa_one_of_30_to_150_degrees(self):
        self.assertAllClose(list(measured(rules.learner("bp"))["angle of error"].values()), [0] * 4)
        angle = measured(rules.learner("fa"))["angle of error"]
        self.assertTrue(all(30 < angle[l] < 150 for l in (1, 2, 3)), angle)

    def test_tied_feedback_has_no_angle_and_negated_feedback_180_degrees(self):
        fa = rules.learner("fa")
        for l, B in fa.B.items():
            B.tie(fa.network.f[l])
        # float32 leaves a cosine of 1 - 1e-7, which is 0.03 degrees
        self.assertAllClose(list(measured(fa)["angle of update"].values()), [0] * 4, atol=0.1)
        fa.B[4].kernel.assign(-fa.B[4].kernel)
        turned = measured(fa)["angle of update"]
        self.assertAllClose([turned[l] for l in (1, 2, 3)], [180] * 3, atol=0.1)

    def test_frozen_layers_have_no_angle(self):
        learner = learners.Frozen(rules.local_network(), objectives.SoftmaxCrossEntropy())
        self.assertEqual(set(measured(learner)["angle of update"]), {4})

    def test_distances_and_errors_are_those_of_the_formulas(self):
        sdtp = rules.learner("sdtp")
        x, y = rules.batch()
        record = rules.record(sdtp.network, x)
        h, target, found = record.h, sdtp.targets(record, y), measured(sdtp)
        for l in (1, 2, 3):
            h_l, t_l = (v.numpy().reshape(6, -1) for v in (h[l], target[l]))
            distance = np.mean(np.sqrt(np.sum((h_l - t_l) ** 2, axis=1)))
            self.assertAllClose(distance, found["distance to target"][l], rtol=1e-5)
            self.assertAllClose(np.mean(np.abs(h_l) > 0.9), found["saturation"][l])
            rebuilt = sdtp.g[l + 1](h[l + 1]).numpy().reshape(6, -1)
            rows = [np.sum(np.sqrt(np.sum(v**2, axis=1))) for v in (rebuilt - h_l, h_l)]
            self.assertAllClose(rows[0] / rows[1], found["reconstruction error"][l + 1], rtol=1e-5)

    def test_angle_is_the_mean_of_the_examples_that_have_one(self):
        u = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
        v = np.array([[0.0, 2.0], [3.0, 3.0], [1.0, 0.0]])
        self.assertAllClose(mean_angle(u, v), (90 + 45) / 2)
        self.assertIsNone(mean_angle(u[2:], v[2:]))


class DiagnosticsTest(FolderTest):
    def train(self, name, *bindings):
        """Trains quickstart on a small network for two epochs; returns its last weights."""
        gin.clear_config()
        keras.backend.clear_session()
        fixed = ["train.epochs = 2", "build.dense = [9]", f"train.run_dir = '{self.folder / name}'"]
        configure(["gin/quickstart.gin"], [*fixed, *bindings])
        with fake_images():
            cli.train()
        return keras.saving.load_model(self.folder / name / "network.keras").get_weights()

    def test_a_run_is_the_same_with_them_and_has_their_scalars(self):
        without = self.train("without")
        watched = self.train("watched", "train.callbacks = [@Diagnostics]", "Diagnostics.every = 2")
        for one, other in zip(without, watched, strict=True):
            self.assertAllEqual(one, other)
        events = EventAccumulator(str(self.folder / "watched")).Reload()
        self.assertContainsSubset(
            {
                "of layers: angle of update to BP's (degrees)/layer 1",
                "of layers: reconstruction error/layer 2",
                "of layers: norm of kernel/layer 2",
            },
            set(events.Tags()["tensors"]),
        )
        self.assertFalse([t for t in events.Tags()["tensors"] if "angle" in t and "layer 2" in t])
        self.assertEqual([e.step for e in events.Tensors("of layers: saturation/layer 1")], [2])
        with open(self.folder / "watched/diagnostics.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([(r["epoch"], r["layer"]) for r in rows], [("2", "1"), ("2", "2")])
        title = "of layers: angle of error to BP's (degrees)/layer 1"
        scalar = events.Tensors(title)[0].tensor_proto
        self.assertAllClose(tf.make_ndarray(scalar), float(rows[0]["angle_of_error"]), rtol=1e-4)
        self.assertEqual(rows[0]["reconstruction_error"], "")
        off = EventAccumulator(str(self.folder / "without")).Reload()
        self.assertNotIn("of layers: saturation/layer 1", off.Tags()["tensors"])

    def test_rows_of_epochs_that_are_trained_again_are_replaced(self):
        dataset = data.from_arrays(
            (np.random.default_rng(0).random((8, 7, 5, 2)), np.arange(8) % 5),
            test=(np.random.default_rng(1).random((8, 7, 5, 2)), np.arange(8) % 5),
            batch_size=4,
        )
        folder = RunDirectory(self.folder, "")
        self.addCleanup(folder.close)
        for epochs in ([0, 1, 2], [1, 2, 3]):
            callback = Diagnostics()
            callback.set_run(dataset, folder)
            callback.set_model(rules.learner("bp"))
            callback.on_train_begin()
            for epoch in epochs:
                callback.on_epoch_end(epoch)
            callback.on_train_end()
        with open(self.folder / "diagnostics.csv", newline="") as file:
            rows = [(row["epoch"], row["layer"]) for row in csv.DictReader(file)]
        self.assertEqual(rows, [(str(e), str(l)) for e in (1, 2, 3, 4) for l in (1, 2, 3, 4)])

    def test_a_damaged_diagnostics_csv_is_named_before_anything_is_trained(self):
        whole = "epoch,layer,saturation\n1,1,0.25\n1,2,0.5\n"
        folder = RunDirectory(self.folder, "")
        self.addCleanup(folder.close)
        path = self.folder / "diagnostics.csv"
        for text in ("", whole[:-1], whole[:-6] + "\n", "epoch,layer\nx,1\n", whole + "\xff"):
            path.write_text(text, encoding="latin-1")
            with self.assertRaisesRegex(ValueError, "damaged file: .*diagnostics.csv; .* remove"):
                Diagnostics().set_run(None, folder)
        path.write_text(whole)
        Diagnostics().set_run(None, folder)

    def test_the_traced_step_is_the_same_before_and_after(self):
        def operations(learner):
            return sorted(op.type for op in traced_step(learner, *rules.batch()).get_operations())

        learner = rules.compiled("sdtp", rules.dense_network())
        before = operations(learner)
        measured(learner)
        self.assertEqual(before, operations(learner))
        self.assertFalse(any("Summary" in operation for operation in before))

    def test_an_interval_below_one_is_refused(self):
        with self.assertRaisesRegex(ValueError, "every must be a whole number .*received 0"):
            Diagnostics(every=0)


if __name__ == "__main__":
    tf.test.main()
