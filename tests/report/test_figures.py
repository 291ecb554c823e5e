"""What the figures draw."""

import pathlib

import tensorflow as tf
from fake_run_folders import write_reconstructions, write_run

from tp_keras.report import style
from tp_keras.report.cells import cells
from tp_keras.report.figures import figures
from tp_keras.report.runs import read_runs


class FiguresTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.get_temp_dir())

    def draw(self):
        runs = read_runs(self.root).runs
        return {figure.number: figure.drawing for figure in figures(cells(runs), runs)}

    def lines(self, drawing, dashes):
        axes = drawing.figure.axes
        return [line for panel in axes for line in panel.lines if line.get_linestyle() == dashes]

    def test_a_figure_without_runs_is_not_drawn(self):
        write_run(self.root / "0")
        drawn = self.draw()
        self.assertEqual([number for number in drawn if drawn[number]], [8])

    def test_train_is_dashed_and_test_solid(self):
        write_run(self.root / "0", (30, 20, 25), dataset="cifar10")
        drawing = self.draw()[2]
        self.assertAllEqual(self.lines(drawing, "-")[0].get_ydata(), [30, 20, 25])
        self.assertAllEqual(self.lines(drawing, "--")[0].get_ydata(), [15, 10, 12.5])
        self.assertEqual(drawing.figure.axes[0].get_ylabel(), "error (%)")

    def test_imagenet_top5_is_dotted(self):
        write_run(
            self.root / "0", (96, 90), dataset="imagenet2012", architecture="lc",
            best_test_top5_error=30.0,
        )  # fmt: skip
        self.assertAllClose(self.lines(self.draw()[3], ":")[0].get_ydata(), [32, 30])

    def test_a_curve_is_the_mean_over_seeds(self):
        write_run(self.root / "0", (30, 20))
        write_run(self.root / "1", (20, 10), seed=1)
        self.assertAllClose(self.lines(self.draw()[8], "-")[0].get_ydata(), [25, 15])

    def test_a_run_beyond_the_axis_is_named(self):
        for method in ("fa", "dfa"):
            write_run(self.root / method, (9, 2), method=method)
        write_run(self.root / "tp", (90, 80), method="tp", schedule="parallel")
        self.assertEqual(self.draw()[8].remark, "FC: TP, parallel beyond the axis.")

    def test_a_method_keeps_its_colour_in_all_figures(self):
        methods = ["zip", "bp", "drtp"]
        look = style.Lines(methods)
        self.assertEqual(look("fc", "bp", ""), look("lc", "bp", ""))
        shown = [look("fc", method, "")["color"] for method in methods]
        self.assertLen(set(shown), 3)
        alternating = look("fc", "dtp", "alternating")["color"]
        self.assertNotEqual(look("fc", "dtp", "parallel")["color"], alternating)

    def test_auxiliary_sizes_start_at_sdtp_and_share_their_epochs(self):
        common = {"dataset": "cifar10", "architecture": "lc", "schedule": "parallel"}
        write_run(self.root / "0", (60, 50), method="sdtp", **common)
        for size, best in ((64, 45), (128, 40)):
            gin = f"AOSDTP.auxiliary_units = {size}"
            write_run(self.root / f"{size}", (60, best), gin, method="ao_sdtp", **common)
        gin = "AOSDTP.auxiliary_units = 512"
        write_run(self.root / "long", (60, 50, 20), gin, method="ao_sdtp", **common)
        drawing = self.draw()[4]
        line = drawing.figure.axes[0].lines[0]
        self.assertAllEqual(line.get_xdata(), [0, 64, 128])
        self.assertAllEqual(line.get_ydata(), [50, 45, 40])
        self.assertEqual(drawing.remark, "Epochs: LC parallel 2.")

    def test_histograms_count_trials_only(self):
        write_run(self.root / "run")
        for i, error in enumerate((5, 6, 9)):
            write_run(self.root / f"trial{i}", (error,), method="fa", trial=True)
        drawing = self.draw()[5]
        self.assertEqual(sum(bar.get_height() for bar in drawing.figure.axes[0].patches), 3)
        self.assertLen(drawing.runs, 3)

    def test_autoencoders_have_curves_and_a_row_each(self):
        for i, (method, schedule) in enumerate((("bp", ""), ("dtp", "parallel"))):
            run = {"architecture": "autoencoder", "method": method, "schedule": schedule}
            write_reconstructions(write_run(self.root / method, **run), seed=i)
        drawn = self.draw()
        self.assertLen(self.lines(drawn[6], "-"), 2)
        self.assertLen([axes for axes in drawn[7].figure.axes if axes.images], 9)
        self.assertIsNone(drawn[8])


if __name__ == "__main__":
    tf.test.main()
