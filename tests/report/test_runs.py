"""Reading run folders."""

import ast
import io
import os
import pathlib
import zipfile

import numpy as np
import tensorflow as tf
from fake_run_folders import write_run

import tp_keras.report
from tp_keras.lines import visible
from tp_keras.report import compare
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

    def warnings_beside(self, **fields):
        """The lines of warning about a run whose `result.json` has these fields."""
        if not (self.root / "good").exists():
            write_run(self.root / "good")
        bad = write_run(self.root / f"bad{len(list(self.root.iterdir()))}", **fields)
        found = read_runs(self.root)
        self.assertIn("good", [run.name for run in found.runs])
        (bad / "result.json").unlink()
        return found.warnings

    def test_every_field_of_a_result_is_checked(self):
        names = ("architecture", "method", "schedule")
        numbers = ("best_test_error", "final_test_error", "final_train_error")
        optional = ("measured_train_error", "best_test_top5_error")
        counts = ("epochs", "best_epoch", "train_examples", "classes")
        texts = (
            r"$\badmacro$",
            "=HYPERLINK(1)",
            "@SUM",
            "\x1b[31m",
            "a|b",
            "<b>",
            "a" * 81,
            "\ud800",
        )
        wrong = {name: (3, None, [], *texts) for name in names}
        wrong |= {"dataset": (3, None, [[]], "", " ", "a" * 5001)}
        out_of_range = (10**400, -1, 1e9, float("nan"), float("inf"))
        wrong |= {name: ("0", None, True, [], *out_of_range) for name in numbers}
        wrong |= {name: ("0", True, {}, *out_of_range) for name in optional}
        wrong |= {name: ("0", 1.5, True, -1, 10**400, float("nan")) for name in counts}
        wrong["seed"] = ("0", 1.5, True, 10**400, -(10**400), float("nan"))  # -1 is one
        for name, values in wrong.items():
            for value in values:
                (warning,) = self.warnings_beside(**{name: value})
                self.assertRegex(warning, rf"^skipped \S+/result.json: {name} must be .*, received")
                self.assertLess(len(warning), 500)
                self.assertTrue(warning.isprintable(), warning)

    def test_results_that_are_no_object_are_skipped(self):
        write_run(self.root / "good")
        texts = (
            b"{",
            b"[]",
            b"null",
            b"\xff",
            b"[" * 100_000,
            b"1" * 5000,
            b"[1" + b" " * 2**20 + b"]",
        )
        for i, text in enumerate(texts):
            (write_run(self.root / f"bad{i}") / "result.json").write_bytes(text)
        found = read_runs(self.root)
        self.assertEqual([run.name for run in found.runs], ["good"])
        reasons = ("not JSON", "must be an object", "must be an object", "not JSON", "not JSON")
        for i, reason in enumerate((*reasons, "not JSON", "it is longer than")):
            self.assertIn(f"bad{i}/result.json: {reason}", found.warnings[i])

    def test_a_malformed_curve_leaves_the_result(self):
        header = "epoch,phases,train_error,test_error\n"
        texts = {
            "": "it has no rows",
            header + "1,forward,1,many\n" * 3: "test_error must be a number",
            header + "1,forward,1,101\n" * 3: "test_error must be a number from 0 to 100",
            header + "1,forward,1,1e400\n" * 3: "test_error must be a number",
            header + "1,forward,1,nan\n" * 3: "it has no number in the column test_error",
            header + "1,forward,1,\n" * 3: "it has no number in the column test_error",
            header + "1,forward,1,2\n" * 2: "it has 2 rows, result.json says 3 epochs",
            header + "1,forward,1,2\n" * 4: "it has more than 3 rows",
            header + "1,forward,1\n" * 3: "a row is shorter",
            header + "1," + "a" * 131_073 + ",1,2\n": "field larger than field limit",
        }
        for i, text in enumerate(texts):
            (write_run(self.root / str(i)) / "epochs.csv").write_text(text)
        found = read_runs(self.root)
        self.assertEqual([run.epochs for run in found.runs], [{}] * len(texts))
        for i, (warning, reason) in enumerate(zip(found.warnings, texts.values(), strict=True)):
            self.assertIn(f"left out {self.root}/{i}/epochs.csv: {reason}", warning)

    def test_malformed_images_leave_the_result(self):
        images = np.zeros((3, 28, 28), np.float32)
        pairs = (
            {"inputs": images},
            {"inputs": images[:, :7], "reconstructions": images},
            {"inputs": images, "reconstructions": images[:1]},
            {"inputs": images, "reconstructions": images * np.nan},
            {"inputs": images, "reconstructions": np.array([None])},
            {"inputs": images.astype("U3"), "reconstructions": images},
            {"inputs": images.astype(np.complex64), "reconstructions": images},
        )
        for i, pair in enumerate(pairs):
            np.savez(write_run(self.root / str(i)) / "reconstructions.npz", **pair)
        for name in ("empty", "text", "huge"):
            path = write_run(self.root / name) / "reconstructions.npz"
            path.write_text("no images" if name == "text" else "")
        with zipfile.ZipFile(path.parent.parent / "huge/reconstructions.npz", "w") as members:
            for name in ("inputs", "reconstructions"):
                member = io.BytesIO()
                shape = {"descr": "<f4", "fortran_order": False, "shape": (10**12, 28, 28)}
                np.lib.format.write_array_header_1_0(member, shape)
                members.writestr(f"{name}.npy", member.getvalue() + b"few")
        found = read_runs(self.root)
        self.assertEqual([run.images for run in found.runs], [()] * 10)
        self.assertLen(found.warnings, 10)

    def test_malformed_diagnostics_leave_the_result(self):
        for i, row in enumerate(("1,x,3", "1,1,1e9", "1,1,-1", "one,1,3", "1,1")):
            file = write_run(self.root / str(i)) / "diagnostics.csv"
            file.write_text(f"epoch,layer,angle_of_error\n{row}\n")
        found = read_runs(self.root)
        self.assertEqual([run.diagnostics for run in found.runs], [{}] * 5)
        self.assertLen(found.warnings, 5)

    def test_an_operative_gin_that_cannot_be_read_skips_the_run(self):
        write_run(self.root / "good")
        (write_run(self.root / "bad") / "operative.gin").write_bytes(b"\xff")
        found = read_runs(self.root)
        self.assertEqual([run.name for run in found.runs], ["good"])
        (warning,) = found.warnings
        self.assertIn("its operative.gin: ", warning)

    def test_links_are_named_and_not_followed(self):
        write_run(self.root / "runs/good")
        elsewhere = write_run(self.root / "elsewhere")
        for name, target in (("folder", elsewhere), ("loop", self.root)):
            (self.root / "runs" / name).symlink_to(target)
            # TensorFlow follows links as it removes a test's folder
            self.addCleanup((self.root / "runs" / name).unlink)
        for file in ("result.json", "epochs.csv", "operative.gin"):
            path = write_run(self.root / "runs" / file[0]) / file
            path.unlink()
            path.symlink_to(elsewhere / file)
        found = read_runs(self.root / "runs")
        self.assertEqual([run.name for run in found.runs], ["e", "good"])
        self.assertEqual(found.runs[0].epochs, {})
        self.assertLen(found.warnings, 5)
        self.assertTrue(all("link" in warning for warning in found.warnings))

    def test_a_pipe_is_skipped_without_reading_it(self):
        write_run(self.root / "good")
        path = write_run(self.root / "bad") / "result.json"
        path.unlink()
        os.mkfifo(path)
        (warning,) = read_runs(self.root).warnings
        self.assertIn("bad/result.json: it is not a regular file", warning)

    def test_a_name_is_shown_printable(self):
        for name in (b"caf\xe9", b"\x1b[31mred", b"two\nlines", "\u202ertl".encode()):
            path = os.fsencode(self.root) + b"/" + name
            write_run(pathlib.Path(os.fsdecode(path)))
        names = [run.name for run in read_runs(self.root).runs]
        self.assertEqual(
            sorted(names), [r"\u202ertl", r"\x1b[31mred", r"caf\udce9", r"two\nlines"]
        )  # fmt: skip

    def test_a_line_is_of_300_characters_at_most(self):
        self.assertEqual(visible("x" * 300), "x" * 300)
        shortened = visible("x" * 150 + "y" * 151)
        self.assertBetween(len(shortened), 290, 300)
        self.assertRegex(shortened, r"^x+\.\.\.y+$")

    def test_a_squared_error_may_exceed_100(self):
        write_run(self.root / "a", (400, 300), architecture="autoencoder")
        write_run(self.root / "b", (400, 300), gin="train.objective = @SquaredError()")
        found = read_runs(self.root)
        self.assertEqual([run.in_percent for run in found.runs], [False, False])
        self.assertEqual(found.runs[1].epochs["test_error"], [400, 300])

    def test_the_unit_of_the_errors_is_read_from_the_result(self):
        write_run(self.root / "a", (400, 300), errors_are="loss")
        write_run(self.root / "b", (-4, -3), errors_are="loss")
        write_run(self.root / "c", (-4, -3), errors_are="squared error")
        write_run(self.root / "d", (400, 300), errors_are="%")
        write_run(self.root / "e", errors_are="many")
        found = read_runs(self.root)
        self.assertEqual([run.in_percent for run in found.runs], [False, False])
        self.assertEqual([compare.difference(run) for run in found.runs], ["loss", "loss"])
        self.assertLen(found.warnings, 3)
        self.assertIn("errors_are must be %, squared error or loss", found.warnings[-1])

    def test_no_folder_and_no_finished_run_are_refused(self):
        with self.assertRaisesRegex(ValueError, "--runs must be a folder of runs, received .*none"):
            read_runs(self.root / "none")
        with self.assertRaisesRegex(ValueError, "--runs must hold a finished run, received"):
            read_runs(self.root)


class ImportsTest(tf.test.TestCase):
    def test_the_report_imports_neither_tensorflow_nor_what_imports_it(self):
        bare = ("tp_keras.report", "tp_keras.may_change", "tp_keras.lines")
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
                        self.assertTrue(name.startswith(bare), name)


if __name__ == "__main__":
    tf.test.main()
