"""Reading run folders."""

import ast
import pathlib

import tensorflow as tf
from fake_run_folders import write_reconstructions, write_run

import tp_keras.report
from tp_keras.report.runs import read_runs


class RunsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.get_temp_dir())

    def test_finished_runs_are_found_at_any_depth(self):
        write_run(self.root / "a")
        write_run(self.root / "b/c/0", seed=3)
        self.assertEqual([run.name for run in read_runs(self.root).runs], ["a", "b/c/0"])

    def test_unfinished_runs_are_counted_not_read(self):
        write_run(self.root / "done")
        for name in ("killed", "trial"):
            (write_run(self.root / name, trial=name == "trial") / "result.json").unlink()
        write_run(self.root / "of no epoch", test_errors=())
        found = read_runs(self.root)
        self.assertLen(found.runs, 1)
        self.assertEqual(found.unfinished, ["killed", "of no epoch", "trial"])
        self.assertEqual(found.stopped_trials, ["trial"])

    def test_an_empty_field_is_nan(self):
        run = read_runs(write_run(self.root / "a").parent).runs[0]
        self.assertAllEqual(run.epochs["inverse_loss"], [0.5, float("nan"), 0.5])
        self.assertEqual(run.epochs["test_error"], [30.0, 20.0, 25.0])

    def test_seeds_share_settings(self):
        write_run(self.root / "a", gin="SDTP.noise_stddev = 0.2\ntrain.run_dir = 'a'", seed=0)
        write_run(self.root / "b", gin="SDTP.noise_stddev = 0.2\ntrain.run_dir = 'b'", seed=1)
        write_run(self.root / "c", gin="SDTP.noise_stddev = 0.3\ntrain.run_dir = 'c'", seed=2)
        a, b, c = read_runs(self.root).runs
        self.assertEqual(a.settings, b.settings)
        self.assertNotEqual(a.settings, c.settings)

    def test_auxiliary_units_come_from_the_operative_gin(self):
        write_run(self.root / "a", gin="AOSDTP.auxiliary_units = 256")
        write_run(self.root / "b")
        self.assertEqual([r.auxiliary_units for r in read_runs(self.root).runs], [256, None])

    def test_malformed_results_are_named_and_skipped(self):
        write_run(self.root / "good")
        texts = {
            "{": "not JSON",
            "[]": "must be an object",
            '{"dataset": 3}': "dataset must be text",
        }
        for i, text in enumerate(texts):
            (write_run(self.root / f"bad{i}") / "result.json").write_text(text)
        write_run(self.root / "bad3", seed="0")
        write_run(self.root / "bad4", best_test_error=float("nan"))
        found = read_runs(self.root)
        self.assertEqual([run.name for run in found.runs], ["good"])
        reasons = [
            *texts.values(),
            "seed must be a whole number",
            "best_test_error must be a number",
        ]
        for i, (warning, reason) in enumerate(zip(found.warnings, reasons, strict=True)):
            self.assertIn(f"bad{i}/result.json: {reason}", warning)

    def test_a_malformed_curve_or_image_leaves_the_result(self):
        epochs = write_run(self.root / "a") / "epochs.csv"
        epochs.write_text("epoch,test_error\n1,many\n")
        write_reconstructions(write_run(self.root / "b"), seed=0, shape=(3, 7, 8))
        (write_run(self.root / "c") / "reconstructions.npz").write_text("no images")
        found = read_runs(self.root)
        self.assertLen(found.runs, 3)
        self.assertLen(found.warnings, 3)
        self.assertEqual(found.runs[0].epochs, {})
        self.assertEqual(found.runs[1].images, ())

    def test_no_folder_and_no_finished_run_are_refused(self):
        with self.assertRaisesRegex(ValueError, "--runs must be a folder of runs, received .*none"):
            read_runs(self.root / "none")
        with self.assertRaisesRegex(ValueError, "--runs must hold a finished run, received"):
            read_runs(self.root)


class ImportsTest(tf.test.TestCase):
    def test_the_report_imports_neither_tensorflow_nor_the_rest_of_the_package(self):
        for path in pathlib.Path(tp_keras.report.__file__).parent.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom):
                    names = [node.module]
                elif isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    continue
                for name in names:
                    self.assertNotIn(name.split(".")[0], ("tensorflow", "keras"), path.name)
                    if name.startswith("tp_keras"):
                        self.assertStartsWith(name, "tp_keras.report")


if __name__ == "__main__":
    tf.test.main()
