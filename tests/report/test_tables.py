"""Which runs fill a cell, and what the tables say."""

import csv
import io
import pathlib

import tensorflow as tf
from fake_run_folders import write_run

from tp_keras.report import formats, paper
from tp_keras.report.cells import cells
from tp_keras.report.runs import read_runs
from tp_keras.report.tables import tables

SDTP = {"method": "sdtp", "schedule": "parallel"}


class TablesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.get_temp_dir())

    def cells(self):
        return cells(read_runs(self.root).runs)

    def records(self, place):
        text = formats.as_csv(tables(self.cells())[place])
        rows = list(csv.DictReader(io.StringIO(text)))
        keys = ("dataset", "architecture", "method", "schedule")
        return {tuple(row[key] for key in keys): row for row in rows}

    def test_paper_tables_are_complete(self):
        self.assertLen(paper.table(1), 38)
        self.assertLen(paper.table(2), 6)
        self.assertEqual(paper.table(1)["mnist", "fc", "bp", ""]["test_error"], 1.48)
        self.assertEqual(paper.table(2)["imagenet2012", "conv", "bp", ""]["top5_error"], 40.17)

    def test_a_cell_is_the_mean_over_seeds_beside_the_papers(self):
        write_run(self.root / "0", (9, 4, 6), **SDTP)
        write_run(self.root / "1", (9, 8, 9), seed=1, **SDTP)
        row = self.records(0)["mnist", "fc", "sdtp", "parallel"]
        self.assertEqual((row["seeds"], row["epochs"]), ("2", "3"))
        self.assertAllClose(
            [float(row[f"test_error{part}"]) for part in ("", "_std", "_paper", "_difference")],
            [6.0, 8**0.5, 3.52, 2.48],
            atol=1e-4,  # the CSV's four digits
        )
        self.assertEqual(float(row["last_test_error"]), 7.5)
        self.assertEqual(float(row["train_error"]), 3.75)

    def test_a_cell_without_a_run_is_empty(self):
        write_run(self.root / "0", **SDTP)
        row = self.records(0)["mnist", "lc", "dtp", "parallel"]
        empty = ("seeds", "epochs", "test_error", "test_error_std", "test_error_difference")
        self.assertEqual([row[name] for name in empty], [""] * 5)
        self.assertEqual(row["test_error_paper"], "1.52")

    def test_the_longest_training_counts_not_the_best_error(self):
        write_run(self.root / "lucky", (9, 1), gin="SDTP.noise_stddev = 0.1", **SDTP)
        write_run(self.root / "long", (9, 5, 4), gin="SDTP.noise_stddev = 0.2", **SDTP)
        cell = self.cells()["mnist", "fc", "sdtp", "parallel"]
        self.assertEqual([run.name for run in cell.runs], ["long"])
        self.assertEqual([run.name for run in cell.left_out], ["lucky"])
        self.assertIn(
            "FC SDTP, parallel: 1 more of its runs not shown", tables(self.cells())[0].notes[-1]
        )

    def test_a_seed_counts_once(self):
        write_run(self.root / "a", (9, 5), **SDTP)
        write_run(self.root / "b", (9, 3), **SDTP)
        cell = self.cells()["mnist", "fc", "sdtp", "parallel"]
        self.assertEqual([run.name for run in cell.runs], ["a"])

    def test_trials_other_sizes_and_subsets_fill_no_cell(self):
        write_run(self.root / "trial", trial=True)
        gin = "AOSDTP.auxiliary_units = 100"
        write_run(self.root / "size", gin=gin, dataset="cifar10", method="ao_sdtp")
        write_run(self.root / "part", dataset="imagenet2012", method="bp", train_examples=640)
        write_run(self.root / "small", dataset="mnist_5k")
        self.assertEqual(list(self.cells()), [("mnist_5k", "fc", "bp", "")])
        self.assertNotIn(
            "20.00", "".join(formats.markdown(table) for table in tables(self.cells()))
        )

    def test_rows_are_the_papers_then_later_rules_then_the_convnet(self):
        write_run(self.root / "0", method="drtp")
        labels = [row[0] for row in tables(self.cells())[0].rows]
        self.assertEqual(labels[:2], ["DTP, parallel", "DTP, alternating"])
        self.assertEqual(labels[-4:], ["DFA", "BP", "DRTP", "BP, ConvNet"])

    def test_the_convnet_stands_under_lc(self):
        write_run(self.root / "0", (9, 1.25), architecture="conv")
        row = tables(self.cells())[0].rows[-1]
        self.assertEqual(row[4], "")
        self.assertEqual(row[12:15], ["1.25", "1.01", "+0.24"])

    def test_imagenet_shows_both_errors_and_a_place_for_dfa(self):
        imagenet = {"dataset": "imagenet2012", "architecture": "lc", "best_test_top5_error": 50.0}
        write_run(self.root / "0", (99, 72), **imagenet)
        rows = {row[0]: row[1:] for row in tables(self.cells())[2].rows}
        self.assertEqual(rows["BP"][:6], ["72.00", "71.43", "+0.57", "50.00", "49.07", "+0.93"])
        self.assertEqual(rows["DFA"], ["", "-", "", "", "-", "", "", ""])

    def test_every_format_has_the_same_numbers(self):
        write_run(self.root / "0", (9, 4, 6), **SDTP)
        write_run(self.root / "1", (9, 8, 9), seed=1, **SDTP)
        table = tables(self.cells())[0]
        self.assertIn("| 6.00 ± 2.83 | 3.52 | +2.48 |", formats.markdown(table))
        self.assertIn(r"6.00 $\pm$ 2.83 & 3.52 & +2.48 &", formats.latex(table))
        self.assertIn("<td>6.00 ± 2.83</td><td>3.52</td><td>+2.48</td>", formats.as_html(table))


if __name__ == "__main__":
    tf.test.main()
