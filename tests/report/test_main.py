"""The command line, from run folders to a page."""

import contextlib
import html.parser
import io
import os
import pathlib
import re
import signal
import sys
import tempfile
from unittest import mock

import tensorflow as tf
from fake_run_folders import write_run

from tp_keras.report.__main__ import SIGNALS, main


class ReportTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.get_temp_dir())
        self.runs, self.out = self.root / "runs", self.root / "new/report"

    def report(self):
        """Exit status and what was printed on stderr."""
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            status = main([f"--runs={self.runs}", f"--out={self.out}"])
        return status, errors.getvalue()

    def test_all_files_are_written(self):
        write_run(self.runs / "0")
        self.assertEqual(self.report(), (0, ""))
        tables = [f"table1a.{kind}" for kind in ("csv", "md", "tex")]
        files = ["figure8.png", "figure8.svg", "index.html", *tables]
        self.assertEqual(sorted(path.name for path in self.out.iterdir()), files)

    def test_standard_output_that_cannot_be_written_is_no_fault_of_the_report(self):
        write_run(self.runs / "0")
        arguments, errors = [f"--runs={self.runs}", f"--out={self.out}"], io.StringIO()
        redirect = contextlib.redirect_stdout, contextlib.redirect_stderr
        with open("/dev/full", "w") as full, redirect[0](full), redirect[1](errors):
            self.assertEqual(main(arguments), 4)
        self.assertIn("the report is written, but standard output", errors.getvalue())
        self.assertEqual(errors.getvalue().count("\n"), 1)
        self.out = self.out.with_name("é")
        with io.TextIOWrapper(io.BytesIO(), "ascii") as out, contextlib.redirect_stdout(out):
            self.assertEqual(main([arguments[0], f"--out={self.out}"]), 0)
            out.seek(0)
            self.assertIn(r"\xe9/index.html", out.read())

    def test_the_page_refers_to_no_other_file(self):
        write_run(self.runs / "0")
        (write_run(self.runs / "<half>") / "result.json").unlink()
        self.report()
        page = (self.out / "index.html").read_text(encoding="utf-8")
        html.parser.HTMLParser().feed(page)
        sources = re.findall(r"(?:src|href|url)\W{1,3}(\S{5})", page)
        self.assertEqual(sources, ["data:"])
        self.assertIn("1 unfinished skipped", page)
        self.assertIn("&lt;half&gt;", page)
        self.assertIn("<td>20.00</td><td>Table 1 (a), Figure 8</td>", page)
        self.assertIn("Figure 2 is not drawn: it needs a run on cifar10.", page)
        self.assertIn("<p class='missing'>Table 1 (b): CIFAR-10: no run of it.</p>", page)

    def test_the_page_has_the_reader_s_light_or_dark_colours(self):
        write_run(self.runs / "0")
        self.report()
        page = (self.out / "index.html").read_text(encoding="utf-8")
        style = re.search("<style>(.*?)</style>", page, re.S)[1]
        self.assertIn("color-scheme: light dark", style)
        self.assertNotRegex(style, r"(?:background|color): (?:white|black|#\w{3}(\w{3})?;)")

    def test_wide_parts_of_the_page_scroll_and_captions_occur_once(self):
        write_run(self.runs / "0")
        self.report()
        page = (self.out / "index.html").read_text(encoding="utf-8")
        self.assertIn("<meta name='viewport' content='width=device-width, initial-scale=1'>", page)
        outside = re.sub(r"<div class='wide'>.*?</div>", "", page, flags=re.S)
        self.assertNotRegex(outside, "<table|<img")
        self.assertEqual(page.count("Train (dashed) and test (solid) classification errors"), 1)

    def test_names_of_finished_runs_are_escaped(self):
        write_run(self.runs / "<b>", dataset="<script>")
        write_run(self.runs / "<i>", dataset="<script>", epochs=2, test_errors=(3, 2))
        self.report()
        page = (self.out / "index.html").read_text(encoding="utf-8")
        self.assertIn("<td>&lt;b&gt;</td><td>&lt;script&gt;</td>", page)
        self.assertIn("<li>&lt;i&gt;: not a dataset of the paper</li>", page)
        self.assertNotRegex(page, "<b>|<i>|<script>")

    def test_left_out_runs_are_listed_with_the_reason(self):
        write_run(self.runs / "part", train_examples=256)
        self.report()
        page = (self.out / "index.html").read_text(encoding="utf-8")
        self.assertIn("<li>part: 256 of 60,000 training examples</li>", page)
        table = (self.out / "other1.md").read_text(encoding="utf-8")
        self.assertIn("### MNIST, 256 of 60,000 training examples", table)
        self.assertFalse((self.out / "table1a.md").exists())

    def test_the_same_runs_give_the_same_bytes(self):
        write_run(self.runs / "0")
        self.report()
        first = {path.name: path.read_bytes() for path in self.out.iterdir()}
        self.report()
        self.assertEqual(first, {path.name: path.read_bytes() for path in self.out.iterdir()})

    def test_a_malformed_result_is_a_warning_beside_finished_runs(self):
        write_run(self.runs / "0")
        (write_run(self.runs / "bad") / "result.json").write_text("{")
        status, errors = self.report()
        self.assertEqual(status, 0)
        self.assertRegex(errors, r"^warning: skipped \S+bad/result.json: not JSON .*\n$")

    def test_bad_input_is_one_line_and_status_2(self):
        status, errors = self.report()
        self.assertEqual(status, 2)
        self.assertRegex(errors, r"^error: --runs must be a folder of runs, received \S+\n$")
        runs, self.runs = self.runs, self.root / "x" / ("y" * (290 - len(str(self.root))))
        received = f"received {self.runs}\n"  # a long path is repeated whole
        self.assertEqual(self.report(), (2, f"error: --runs must be a folder of runs, {received}"))
        self.runs = runs
        (write_run(self.runs / "0") / "result.json").write_text("{")
        status, errors = self.report()
        self.assertEqual(status, 2)
        self.assertRegex(errors, r"^error: --runs must hold a finished run, .* 1 unreadable.*\n$")
        self.assertEqual([path.name for path in self.root.iterdir()], ["runs"])

    def test_an_out_that_cannot_be_written_is_refused_and_nothing_is_made(self):
        write_run(self.runs / "0")
        (self.root / "file").write_text("in the way")
        (self.root / "link").symlink_to(self.root / "elsewhere")
        for out in ("file", "file/new", "link", "new/" + "x" * 300):
            self.out = self.root / out
            status, errors = self.report()
            self.assertEqual(status, 2)
            self.assertRegex(errors, r"^error: --out must be a folder that can be written, .*\n$")
        names = sorted(path.name for path in self.root.iterdir())
        self.assertEqual(names, ["file", "link", "runs"])

    def test_flags_that_name_no_folder_are_refused(self):
        write_run(self.runs / "0")
        runs = f"--runs={self.runs}"
        for flags in ([runs, "--out="], ["--runs="], [runs, "--out=~nobody_here/x"], ["--what"]):
            errors = io.StringIO()
            with contextlib.redirect_stderr(errors):
                try:
                    status = main(flags)
                except SystemExit as end:  # argparse
                    status = end.code
            self.assertEqual(status, 2)
            self.assertRegex(errors.getvalue(), r"^error: .*\n$")

    def test_nothing_is_written_through_a_link(self):
        write_run(self.runs / "0")
        self.out.mkdir(parents=True)
        target = self.root / "target"
        target.write_text("mine")
        for name in ("index.html", "table1a.md", "figure8.svg"):
            (self.out / name).symlink_to(target)
        self.assertEqual(self.report(), (0, ""))
        self.assertEqual(target.read_text(), "mine")
        self.assertFalse((self.out / "index.html").is_symlink())
        self.assertEqual([path for path in self.out.iterdir() if "partial" in path.name], [])

    def test_a_signal_leaves_no_partial_file_and_the_same_command_goes_on(self):
        write_run(self.runs / "0")
        for number in SIGNALS:  # under nohup, SIGHUP is ignored
            self.addCleanup(signal.signal, number, signal.signal(number, signal.SIG_DFL))
        for number, name in SIGNALS.items():
            stop = mock.Mock(side_effect=lambda *_, n=number: os.kill(os.getpid(), n))
            with mock.patch.object(os, "replace", stop):
                status, errors = self.report()
            self.assertEqual((status, stop.call_count), (128 + number, 1))
            self.assertRegex(errors, rf"^error: {name}: the report is not whole; .*\n$")
            self.assertEqual(list(self.out.iterdir()), [])
        self.assertEqual({signal.getsignal(number) for number in SIGNALS}, {signal.SIG_DFL})
        self.assertEqual(self.report(), (0, ""))

    def test_a_second_signal_ends_at_once_and_leaves_no_partial_file(self):
        write_run(self.runs / "0")
        unlink, signals = pathlib.Path.unlink, [signal.SIGTERM]

        def interrupted(path, **options):
            for number in signals:
                signals.remove(number)
                os.kill(os.getpid(), number)
            unlink(path, **options)

        with (
            mock.patch.object(os, "replace", lambda *_: os.kill(os.getpid(), signal.SIGINT)),
            mock.patch.object(pathlib.Path, "unlink", interrupted),
            mock.patch.object(os, "_exit", side_effect=SystemExit) as left,
            self.assertRaises(SystemExit),
        ):
            self.report()
        left.assert_called_once_with(128 + signal.SIGTERM)
        self.assertEqual(list(self.out.iterdir()), [])

    def test_what_a_killed_report_left_is_removed_and_what_another_writes_is_not(self):
        write_run(self.runs / "0")
        self.out.mkdir(parents=True)
        names = [".0123456789abcdef.partial", ".fedcba9876543210.partial", ".mine.partial"]
        for name in names:
            (self.out / name).touch()
        for name in names[1:]:
            os.utime(self.out / name, (0, 0))
        self.assertEqual(self.report(), (0, ""))
        left = {path.name for path in self.out.iterdir()} & set(names)
        self.assertEqual(left, {names[0], names[2]})

    def test_an_unforeseen_error_is_one_line_and_a_file(self):
        write_run(self.runs / "0")
        with mock.patch("tp_keras.report.tables.tables", side_effect=KeyError("odd\nkey")):
            status, errors = self.report()
        self.assertEqual(status, 1)
        found = re.fullmatch(
            r"error: not foreseen \(KeyError: 'odd\\nkey'\); please report it with (\S+)\n", errors
        )
        file = pathlib.Path(found[1])
        self.addCleanup(file.unlink)
        self.assertIn("Traceback", file.read_text())
        self.assertFalse(self.out.exists())

    def test_an_unforeseen_error_is_one_line_where_no_file_can_be_written_too(self):
        write_run(self.runs / "0")
        with (
            mock.patch("tp_keras.report.tables.tables", side_effect=KeyError("x")),
            mock.patch.object(tempfile, "NamedTemporaryFile", side_effect=OSError(28, "No space")),
        ):
            status, errors = self.report()
        line = "error: not foreseen (KeyError: 'x'); its traceback cannot be written (No space)\n"
        self.assertEqual((status, errors), (1, line))

    def test_without_matplotlib_a_line_names_what_to_install(self):
        write_run(self.runs / "0")
        ours = [name for name in sys.modules if name.startswith("tp_keras.report.")]
        hidden = dict.fromkeys(("matplotlib", "matplotlib.figure"))
        with mock.patch.dict(sys.modules, hidden):
            for name in set(ours) - {"tp_keras.report.__main__"}:
                del sys.modules[name]
            status, errors = self.report()
        self.assertEqual(status, 2)
        line = 'error: the report needs matplotlib: pip install "tp_keras[report]"\n'
        self.assertEqual(errors, line)
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    tf.test.main()
