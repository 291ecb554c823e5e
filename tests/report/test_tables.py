"""Which runs fill a cell, and the tables in every format."""

import csv
import dataclasses
import io
import pathlib
import re

import tensorflow as tf
from fake_run_folders import write_diagnostics, write_run

from tp_keras.report import angles, formats, paper
from tp_keras.report.cells import by_problem, cells, other_cells
from tp_keras.report.page import left_out
from tp_keras.report.runs import read_runs
from tp_keras.report.tables import tables

SDTP = {"method": "sdtp", "schedule": "parallel"}
SPECIAL = r'=a|b <i>_x*$\input{y} [z](w) "q"'


class TablesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.get_temp_dir())

    def runs(self):
        return read_runs(self.root).runs

    def cells(self):
        return cells(self.runs())

    def tables(self):
        runs = self.runs()
        return tables(cells(runs), other_cells(runs))

    def records(self, place):
        text = formats.as_csv(self.tables()[place])
        rows = list(csv.DictReader(io.StringIO(text)))
        keys = ("dataset", "architecture", "method", "schedule")
        return {tuple(row[key] for key in keys): row for row in rows}

    def left_out(self):
        runs = self.runs()
        return dict(line.split(": ", 1) for line in left_out(runs, cells(runs)))

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

    def test_the_error_chosen_by_validation_is_that_of_its_best_epoch(self):
        write_run(self.root / "0", (9, 4, 6), validation_errors=[8, 7, 5], **SDTP)
        write_run(self.root / "1", (9, 4, 6), validation_errors=[8, 5, 5], seed=1, **SDTP)
        write_run(self.root / "2", method="fa")
        records = self.records(0)
        chosen = records["mnist", "fc", "sdtp", "parallel"]["chosen_test_error"]
        self.assertEqual(float(chosen), 5.0)  # of 6 and 4
        self.assertEqual(records["mnist", "fc", "fa", ""]["chosen_test_error"], "")

    def test_a_column_that_no_run_fills_and_the_paper_lacks_is_left_out(self):
        write_run(self.root / "0", **SDTP)
        without = self.tables()[0]
        write_run(self.root / "1", (9, 4, 6), validation_errors=[8, 7, 5], method="fa")
        chosen = self.tables()[0]
        column = "Test, chosen by validation"
        self.assertNotIn((column, 1), without.groups)
        self.assertIn((column, 1), chosen.groups)
        for table in (without, chosen):
            widths = {len(row) for rows in table.sections.values() for row in rows}
            self.assertEqual(widths, {len(table.columns)})
            self.assertEqual(sum(columns for _, columns in table.groups), len(table.columns))
            noted = any(note.startswith("Chosen by validation") for note in table.notes)
            self.assertEqual(noted, table is chosen)

    def test_forward_epochs_are_those_that_train_the_network(self):
        write_run(self.root / "0", (9, 5, 4, 3, 3), **SDTP)  # the odd ones train inverses
        row = self.records(0)["mnist", "fc", "sdtp", "parallel"]
        self.assertEqual((row["epochs"], float(row["forward_epochs"])), ("5", 2.0))
        self.assertEqual(row_of(self.tables()[0], "SDTP, parallel")[-3:], ["5", "2", "1"])

    def test_the_train_column_names_how_its_error_was_measured(self):
        write_run(self.root / "0", method="fa")
        self.assertEqual(self.tables()[0].groups[1][0], "Train, running mean")
        write_run(self.root / "1", method="dfa", measured_train_error=0.25)
        table = self.tables()[0]
        self.assertEqual(table.groups[1][0], "Train (* running mean)")
        self.assertEqual(row_of(table, "FA")[1], "12.50*")
        self.assertEqual(row_of(table, "DFA")[1], "0.25")
        (self.root / "0/result.json").unlink()
        self.assertEqual(self.tables()[0].groups[1][0], "Train, at the last weights")

    def test_a_cell_shows_the_longest_runs_not_the_best(self):
        write_run(self.root / "better", (9, 1), gin="SDTP.noise_stddev = 0.1", **SDTP)
        write_run(self.root / "long", (9, 5, 4), gin="SDTP.noise_stddev = 0.2", **SDTP)
        cell = self.cells()["mnist", "fc", "sdtp", "parallel"]
        self.assertEqual([run.name for run in cell.runs], ["long"])
        self.assertEqual([run.name for run in cell.left_out], ["better"])
        reason = "its cell shows long, of 3 epochs and not 2"
        self.assertEqual(self.left_out(), {"better": reason})

    def test_seeds_that_were_stopped_early_share_a_cell(self):
        write_run(self.root / "0", (9, 5, 4), asked_epochs=9)
        write_run(self.root / "1", (9, 6), seed=1, asked_epochs=9)
        cell = self.cells()["mnist", "fc", "bp", ""]
        self.assertEqual((len(cell.runs), cell.epochs), (2, 3))
        self.assertEqual(cell.curve("test_error"), [(9, 9, 9), (5.5, 5, 6)])

    def test_a_cell_has_one_run_of_a_seed(self):
        write_run(self.root / "a", (9, 5), **SDTP)
        write_run(self.root / "b", (9, 3), **SDTP)
        cell = self.cells()["mnist", "fc", "sdtp", "parallel"]
        self.assertEqual([run.name for run in cell.runs], ["a"])
        self.assertEqual(self.left_out(), {"b": "its cell shows another run of seed 0"})

    def test_an_experiment_comes_before_its_variants_that_are_longer(self):
        for name, errors in (("bp+decay/0", (9, 4, 3)), ("bp/0", (9, 5)), ("bp_other/0", (9, 4))):
            gin = f"adam.learning_rate = {errors[-1]}"
            write_run(self.root / name, errors, gin=gin, **SDTP)
        cell = self.cells()["mnist", "fc", "sdtp", "parallel"]
        self.assertEqual([run.name for run in cell.runs], ["bp/0"])
        reasons = {
            "bp+decay/0": "its cell shows bp/0, which is no variant",
            "bp_other/0": "its cell shows bp/0, of other settings with as many seeds or more",
        }
        self.assertEqual(self.left_out(), reasons)
        self.assertNotIn("variant", "".join(self.tables()[0].notes))

    def test_a_cell_that_has_variants_alone_shows_the_longest_and_says_so(self):
        for name, errors in (("bp+less/0", (9, 4, 3)), ("bp+more/0", (9, 5))):
            write_run(self.root / name, errors, gin=f"adam.learning_rate = {len(errors)}", **SDTP)
        cell = self.cells()["mnist", "fc", "sdtp", "parallel"]
        self.assertEqual([run.name for run in cell.runs], ["bp+less/0"])
        self.assertIn("FC SDTP, parallel: variant less.", self.tables()[0].notes)

    def test_a_plus_sign_above_the_folder_of_runs_makes_no_variant(self):
        self.root = self.root / "c++"
        write_run(self.root / "0", (9, 5), **SDTP)
        self.assertEqual([run.variant for run in self.runs()], [""])

    def test_a_run_on_other_settings_fills_no_cell_and_is_listed_with_the_reason(self):
        auxiliary = {"dataset": "cifar10", "method": "ao_sdtp", "schedule": "parallel"}
        imagenet = {"dataset": "imagenet2012", "architecture": "lc"}
        write_run(self.root / "size", gin="AOSDTP.auxiliary_units = 100", **auxiliary)
        write_run(self.root / "part", **imagenet, train_examples=640)
        write_run(self.root / "ten", **imagenet, classes=10)
        write_run(self.root / "pixels", gin="load.image_size = 64", **imagenet)
        write_run(self.root / "digits", train_examples=256)
        write_run(self.root / "silent", train_examples=None)
        write_run(self.root / "small", dataset="mnist_5k")
        write_run(self.root / "tiny", gin="build.dense = \\\n    [16, 16]")
        write_run(self.root / "resnet", architecture="resnet")
        write_run(self.root / "trial", trial=True)
        self.assertEqual(self.cells(), {})
        reasons = {
            "size": "100 auxiliary outputs, the paper's tables have 512",
            "part": "640 of 1,281,167 training examples",
            "ten": "10 classes, the paper's data have 1,000",
            "pixels": "images of 64 pixels, not 224",
            "digits": "256 of 60,000 training examples",
            "silent": "its result.json does not say train_examples",
            "small": "not a dataset of the paper",
            "tiny": "another network (dense layers [16, 16])",
            "resnet": "resnet, not a network of the paper",
        }
        self.assertEqual(self.left_out(), reasons)
        shown = {run.name for group in other_cells(self.runs()).values() for cell in group.values()
                 for run in cell.runs}  # fmt: skip
        self.assertEqual(shown, reasons.keys() - {"size"})

    def test_the_papers_own_settings_fill_their_cells(self):
        local = "[(5, 64, 2),\n     (5, 128, 2),\n     (3, 256, 1)]"
        gin = f"AOSDTP.auxiliary_units = 512\nbuild.local = \\\n    {local}\nbuild.dense = [1024]"
        common = {"dataset": "cifar10", "architecture": "lc", "schedule": "parallel"}
        write_run(self.root / "0", gin=gin, method="ao_sdtp", **common)
        self.assertEqual(list(self.cells()), [("cifar10", "lc", "ao_sdtp", "parallel")])

    def test_held_out_examples_are_noted(self):
        gin = "load.validation_examples = 5000"
        write_run(self.root / "0", gin=gin, train_examples=55_000)
        note = "FC BP: trained on 55,000 examples, 5,000 more held out."
        self.assertIn(note, self.tables()[0].notes)
        for text in (formats.markdown, formats.as_html, formats.latex):
            self.assertIn(note, text(self.tables()[0]), text.__name__)
        self.assertEqual(self.left_out(), {})
        write_run(self.root / "fa", gin=gin, method="fa", train_examples=55_000)
        self.assertIn(note.replace("FC BP", "All cells"), self.tables()[0].notes)
        write_run(self.root / "dfa", method="dfa")
        self.assertIn(note.replace("FC BP", "FC FA; FC BP"), self.tables()[0].notes)
        gin = "load.validation_examples = 500"
        write_run(self.root / "1", gin=gin, dataset="mnist_5k", train_examples=4500)
        self.assertIn("500 more held out", self.tables()[3].notes[-1])

    def test_other_data_have_a_table_of_their_own(self):
        write_run(self.root / "0", (9, 4, 6), dataset="mnist_5k", **SDTP)
        table = self.tables()[3]
        self.assertEqual(table.title, "mnist_5k, 5,000 training examples")
        row = ["SDTP, parallel", "3.00", "4.00", "6.00", "3", "1", "1"]
        self.assertEqual(table.sections, {"FC": [row]})
        self.assertEqual([table.cells for table in self.tables()[:3]], [[], [], []])

    def test_rows_are_the_papers_then_later_rules(self):
        write_run(self.root / "0", method="drtp")
        table = self.tables()[0]
        labels = [row[0] for row in table.sections["FC"]]
        self.assertEqual(labels[:2], ["DTP, parallel", "DTP, alternating"])
        self.assertEqual(labels[-3:], ["DFA", "BP", "DRTP"])
        self.assertEqual(list(table.sections), ["FC", "LC", "ConvNet"])

    def test_the_convnet_has_a_heading_of_its_own(self):
        write_run(self.root / "0", (9, 1.25), architecture="conv")
        (row,) = self.tables()[0].sections["ConvNet"]
        self.assertEqual([row[0], *row[4:7]], ["BP", "1.25", "1.01", "+0.24"])
        self.assertEqual(row_of(self.tables()[0], "BP", "LC")[4], "")

    def test_imagenet_shows_both_errors_and_a_place_for_dfa(self):
        imagenet = {"dataset": "imagenet2012", "architecture": "lc", "best_test_top5_error": 50.0}
        write_run(self.root / "0", (99, 72), **imagenet)
        rows = {row[0]: row[1:] for row in self.tables()[2].sections["LC"]}
        self.assertEqual(rows["BP"][:6], ["72.00", "71.43", "+0.57", "50.00", "49.07", "+0.93"])
        self.assertEqual(rows["DFA"], ["", "-", "", "", "-", ""] + [""] * 4)

    def test_the_last_angles_of_each_layer(self):
        angles_of = {(1, 1): 80.0, (2, 1): 60.0, (1, 2): 70.0}
        write_diagnostics(write_run(self.root / "0", method="fa"), angles_of)
        runs = self.runs()
        table = angles.table(by_problem(cells(runs), other_cells(runs)))
        self.assertEqual(table.sections, {"MNIST FC": [["FA", "60.0", "70.0"]]})
        self.assertIn("mnist,fc,fa,,60.0,70.0\n", formats.as_csv(table))

    def test_every_format_has_the_same_numbers(self):
        write_run(self.root / "0", (9, 4, 6), **SDTP)
        write_run(self.root / "1", (9, 8, 9), seed=1, **SDTP)
        table = self.tables()[0]
        self.assertIn("| 6.00 ± 2.83 | 3.52 | +2.48 |", formats.markdown(table))
        self.assertIn(r"6.00 $\pm$ 2.83 & 3.52 & +2.48 &", formats.latex(table))
        self.assertIn("<td>6.00 ± 2.83</td><td>3.52</td><td>+2.48</td>", formats.as_html(table))

    def test_latex_numbers_the_table_itself(self):
        write_run(self.root / "0")
        self.assertIn(r"\caption{MNIST. ", formats.latex(self.tables()[0]))

    def test_latex_draws_its_thin_rules_under_the_columns_of_each_group(self):
        write_run(self.root / "0")
        groups = [("", 1), ("alternating", 2), ("", 1), ("parallel", 3)]
        text = formats.latex(dataclasses.replace(self.tables()[0], groups=groups))
        self.assertEqual(re.findall(r"cmidrule.lr..(\S+)}", text), ["2-3", "5-7"])

    def test_names_are_escaped_for_each_format(self):
        write_run(self.root / "0", dataset=SPECIAL)
        table = self.tables()[3]
        field = next(csv.reader(io.StringIO(formats.as_csv(table).partition("\n")[2])))[0]
        self.assertEqual(field, f"'{SPECIAL}")
        plain = re.sub(r"\\(.)", r"\1", formats.markdown(table).splitlines()[0])
        self.assertEqual(plain, f"### {SPECIAL}, 5,000 training examples")
        self.assertNotRegex(formats.markdown(table).splitlines()[0], r"(?<!\\)[|<*_$\[`]")
        self.assertIn("=a|b &lt;i&gt;_x", formats.as_html(table))
        latex = r"=a\textbar{}b \textless{}i\textgreater{}\_x*\$\textbackslash{}input\{y\} {[}z](w)"
        self.assertIn(latex + " {''}q{''}", formats.latex(table))

    def test_text_that_a_spreadsheet_would_compute_is_quoted_and_numbers_are_not(self):
        for i, start in enumerate("=+-@"):
            write_run(self.root / str(i), dataset=f"{start}1+1")
        runs = self.runs()
        for table in tables({}, other_cells(runs))[3:]:
            self.assertStartsWith(formats.as_csv(table).splitlines()[1], "'")
        write_run(self.root / "bp", (1.0,))
        difference = self.records(0)["mnist", "fc", "bp", ""]["test_error_difference"]
        self.assertEqual(float(difference), -0.48)


def row_of(table, method, net="FC"):
    (row,) = (row for row in table.sections[net] if row[0] == method)
    return row


if __name__ == "__main__":
    tf.test.main()
