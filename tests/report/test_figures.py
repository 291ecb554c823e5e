"""The curves, bars and images in the figures."""

import pathlib

import numpy as np
import tensorflow as tf
from fake_run_folders import write_diagnostics, write_reconstructions, write_run

from tp_keras.report import style
from tp_keras.report.cells import cells, other_cells
from tp_keras.report.figures import as_bytes, figures
from tp_keras.report.runs import read_runs

METHODS = (("dtp", "parallel"), ("dtp", "alternating"), ("fa", ""), ("dfa", ""), ("bp", ""))


class FiguresTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.get_temp_dir())

    def draw(self):
        """All drawings by name."""
        runs = read_runs(self.root).runs
        self.drawn = figures(cells(runs), runs, other_cells(runs))
        return {figure.name: figure.drawing for figure in self.drawn}

    def lines(self, drawing, dashes):
        axes = drawing.figure.axes
        return [line for panel in axes for line in panel.lines if line.get_linestyle() == dashes]

    def test_a_figure_without_runs_is_not_drawn(self):
        write_run(self.root / "0")
        drawn = self.draw()
        self.assertEqual([name for name in drawn if drawn[name]], ["figure8"])

    def test_train_is_dashed_and_test_solid(self):
        write_run(self.root / "0", (30, 20, 25), dataset="cifar10")
        drawing = self.draw()["figure2"]
        self.assertAllEqual(self.lines(drawing, "-")[0].get_ydata(), [30, 20, 25])
        self.assertAllEqual(self.lines(drawing, "--")[0].get_ydata(), [15, 10, 12.5])
        axes = drawing.figure.axes[0]
        self.assertEqual((axes.get_ylabel(), axes.get_title()), ("error (%)", "CIFAR-10 FC"))

    def test_an_autoencoders_train_loss_is_dashed_and_its_test_loss_solid(self):
        write_run(self.root / "0", (300, 20, 25), architecture="autoencoder")
        drawing = self.draw()["figure6"]
        self.assertAllEqual(self.lines(drawing, "-")[0].get_ydata(), [300, 20, 25])
        self.assertAllEqual(self.lines(drawing, "--")[0].get_ydata(), [150, 10, 12.5])
        self.assertEqual(drawing.figure.axes[0].get_ylabel(), "squared error per image")

    def test_imagenet_top5_is_dotted(self):
        write_run(
            self.root / "0", (96, 90), dataset="imagenet2012", architecture="lc",
            best_test_top5_error=30.0,
        )  # fmt: skip
        self.assertAllClose(self.lines(self.draw()["figure3"], ":")[0].get_ydata(), [32, 30])

    def test_a_curve_is_the_mean_over_seeds_in_a_band_from_lowest_to_highest(self):
        write_run(self.root / "0", (30, 20))
        write_run(self.root / "1", (20, 10), seed=1)
        drawing = self.draw()["figure8"]
        self.assertAllClose(self.lines(drawing, "-")[0].get_ydata(), [25, 15])
        _, test = drawing.figure.axes[0].collections
        edge = test.get_paths()[0].vertices[:, 1]
        self.assertEqual((edge.min(), edge.max()), (10, 30))
        self.assertIn("Bands", drawing.figure.legends[0].get_title().get_text())

    def test_every_test_error_and_the_first_epoch_are_within_the_axes(self):
        for method in ("fa", "dfa"):
            write_run(self.root / method, (9, 2), method=method)
        write_run(self.root / "tp", (90, 80, 80), method="tp", schedule="parallel")
        drawing = self.draw()["figure8"]
        axes = drawing.figure.axes[0]
        low, high = axes.get_ylim()
        self.assertTrue(low < 2 and high > 90 and axes.get_yscale() == "log")
        self.assertEqual(axes.get_xlim(), (1, 3))
        remark = drawing.figure.legends[0].get_title().get_text()
        self.assertEqual(remark, "Logarithmic axis; train below 1.2 is cut off.")

    def test_errors_below_one_percent_need_a_logarithmic_axis_too(self):
        for method in ("fa", "dfa"):
            write_run(self.root / method, (0.9, 0.2), method=method)
        write_run(self.root / "tp", (90, 80), method="tp", schedule="parallel")
        axes = self.draw()["figure8"].figure.axes[0]
        self.assertEqual(axes.get_yscale(), "log")
        self.assertLess(axes.get_ylim()[0], 0.2)

    def test_many_curves_get_a_panel_for_each_rule_beside_bp(self):
        for method, schedule in METHODS:
            write_run(self.root / f"{method}{schedule}", method=method, schedule=schedule)
        panels = [axes for axes in self.draw()["figure8"].figure.axes if axes.lines]
        titles = ["MNIST FC: DTP", "MNIST FC: FA", "MNIST FC: DFA", "MNIST FC: BP"]
        self.assertEqual([axes.get_title() for axes in panels], titles)
        solid = [sum(line.get_linestyle() == "-" for line in axes.lines) for axes in panels]
        self.assertEqual(solid, [3, 2, 2, 1])
        self.assertLen({axes.get_ylim() for axes in panels}, 1)

    def test_marks_of_single_epochs_do_not_overlap(self):
        for method in ("fa", "dfa", "bp"):
            write_run(self.root / method, (9,), method=method)
        marks = [line for line in self.draw()["figure8"].figure.axes[0].lines]
        places = {(line.get_xdata()[0], line.get_ydata()[0]) for line in marks}
        self.assertLen(places, 6)  # train and test of three rules
        self.assertLen({x for x, _ in places}, 3)

    def test_a_label_names_the_schedule_that_its_rule_has_beside_others(self):
        self.assertEqual(style.label("fc", "dtp", "parallel"), "DTP, parallel")
        self.assertEqual(style.label("conv", "bp", ""), "BP, ConvNet")
        self.assertEqual(style.label("lc", "weight_mirror", "mirror"), "Weight mirror")

    def test_a_method_keeps_its_colour_in_all_figures(self):
        methods = ["zip", "bp", "drtp"]
        look = style.Lines(methods)
        self.assertEqual(look("fc", "bp", ""), look("lc", "bp", ""))
        shown = [look("fc", method, "")["color"] for method in methods]
        self.assertLen(set(shown), 3)

    def test_parallel_is_dark_and_alternating_light(self):
        look = style.Lines([])
        for method in ("dtp", "sdtp", "ao_sdtp", "tp"):
            dark, light = (look("fc", method, s)["color"] for s in ("parallel", "alternating"))
            self.assertLess(brightness(dark) + 0.2, brightness(light), method)

    def test_36_later_rules_differ_in_colour_or_marker(self):
        methods = [f"rule{i}" for i in range(36)]
        look = style.Lines(methods)
        shown = [look("fc", method, "") for method in methods]
        self.assertLen({(one["color"], one["marker"]) for one in shown}, 36)

    def test_auxiliary_sizes_start_at_sdtp_and_have_equal_epochs(self):
        common = {"dataset": "cifar10", "architecture": "lc", "schedule": "parallel"}
        write_run(self.root / "0", (60, 50), method="sdtp", **common)
        for size, best in ((64, 45), (128, 40)):
            gin = f"AOSDTP.auxiliary_units = {size}"
            write_run(self.root / f"{size}", (60, best), gin, method="ao_sdtp", **common)
        gin = "AOSDTP.auxiliary_units = 512"
        write_run(self.root / "long", (60, 50, 20), gin, method="ao_sdtp", **common)
        drawing = self.draw()["figure4"]
        axes = drawing.figure.axes[0]
        self.assertAllEqual(axes.lines[0].get_xdata(), [0, 64, 128])
        self.assertAllEqual(axes.lines[0].get_ydata(), [50, 45, 40])
        self.assertLess(axes.get_xlim()[1], 140)
        self.assertEqual(axes.get_title(), "CIFAR-10 LC")
        remark = drawing.figure.legends[0].get_title().get_text()
        self.assertEqual(remark, "Epochs: LC parallel 2. Size 0 is SDTP.")

    def test_histograms_show_accuracies_of_trials_only(self):
        write_run(self.root / "run")
        for i, error in enumerate((5, 6, 9)):
            write_run(self.root / f"trial{i}", (error,), method="fa", trial=True)
        drawing = self.draw()["figure5"]
        bars = [bar for bar in drawing.figure.axes[0].patches if bar.get_height()]
        self.assertEqual(sum(bar.get_height() for bar in bars), 3)
        self.assertBetween(min(bar.get_x() for bar in bars), 90, 91)
        self.assertBetween(max(bar.get_x() for bar in bars), 94, 95)
        self.assertLen(drawing.runs, 3)

    def test_reconstructions_stand_below_the_inputs_a_row_a_rule(self):
        images = []
        for i, (method, schedule) in enumerate((("dtp", "parallel"), ("bp", ""))):
            run = {"architecture": "autoencoder", "method": method, "schedule": schedule}
            images.append(write_reconstructions(write_run(self.root / method, **run), seed=i))
        drawn = self.draw()
        shown = [axes.images[0].get_array() for axes in drawn["figure7"].figure.axes if axes.images]
        (inputs, of_dtp), (_, of_bp) = images
        self.assertAllClose(np.stack(shown), np.concatenate([inputs, of_dtp, of_bp]))
        pictures = [axes.images[0] for axes in drawn["figure7"].figure.axes if axes.images]
        self.assertEqual({picture.get_clim() for picture in pictures}, {(0, 1)})  # white to black
        self.assertLen(self.lines(drawn["figure6"], "-"), 2)
        self.assertIsNone(drawn["figure8"])

    def test_other_data_have_figures_of_their_own(self):
        write_run(self.root / "q", (30, 20), dataset="mnist_5k")
        write_run(self.root / "part", (40, 35), train_examples=256)
        drawn = self.draw()
        titles = {figure.name: figure.title for figure in self.drawn}
        self.assertEqual(titles["other1"], "Curves: MNIST, 256 of 60,000 training examples")
        self.assertEqual(titles["other2"], "Curves: mnist_5k, 5,000 training examples")
        self.assertAllEqual(self.lines(drawn["other2"], "-")[0].get_ydata(), [30, 20])
        self.assertIsNone(drawn["figure8"])

    def test_a_long_title_of_a_panel_has_several_lines(self):
        for method, schedule in (*METHODS, ("sign_symmetry", "")):
            run = {"dataset": "cifar10", "architecture": "resnet20", "method": method}
            write_run(self.root / f"{method}{schedule}", schedule=schedule, **run)
        titles = [panel.get_title() for panel in self.draw()["other1"].figure.axes]
        self.assertIn("CIFAR-10 resnet20:\nSign-symmetry", titles)

    def test_angles_have_a_panel_a_rule_and_a_line_a_layer(self):
        angles = {(1, 1): 80.0, (2, 1): 60.0, (1, 2): 70.0, (2, 2): 40.0}
        write_diagnostics(write_run(self.root / "0", method="fa"), angles)
        more = {key: angle + 10 for key, angle in angles.items()}
        write_diagnostics(write_run(self.root / "1", method="fa", seed=1), more)
        write_diagnostics(write_run(self.root / "2", method="dfa"), angles)
        drawn = self.draw()
        panels = [axes for axes in drawn["angles"].figure.axes if axes.lines]
        self.assertEqual([axes.get_title() for axes in panels], ["MNIST FC: FA", "MNIST FC: DFA"])
        self.assertAllClose([line.get_ydata() for line in panels[0].lines], [[85, 65], [75, 45]])
        self.assertIsNone(drawn["angle_of_update"])

    def test_a_dollar_in_a_name_is_no_formula(self):
        write_run(self.root / "0", dataset=r"$\badmacro$ {x} & _y")
        (drawn,) = (f for f in self.draw() and self.drawn if f.drawing)
        self.assertStartsWith(as_bytes(drawn, "png"), b"\x89PNG")


def brightness(colour):
    """Of a colour like "#08519c", from 0 to 1, as a grey print shows it."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


if __name__ == "__main__":
    tf.test.main()
