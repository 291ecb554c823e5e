"""The command line, from run folders to a page."""

import contextlib
import html.parser
import io
import pathlib
import re

import tensorflow as tf
from fake_run_folders import write_run

from tp_keras.report.__main__ import main


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
        tables = [f"table{t}.{kind}" for t in ("1a", "1b", "2") for kind in ("csv", "md", "tex")]
        files = ["figure8.png", "figure8.svg", "index.html", *tables]
        self.assertEqual(sorted(path.name for path in self.out.iterdir()), files)

    def test_the_page_needs_no_other_file(self):
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
        self.assertIn("Not drawn: it needs a run on cifar10", page)

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
        (write_run(self.runs / "0") / "result.json").write_text("{")
        status, errors = self.report()
        self.assertEqual(status, 2)
        self.assertRegex(errors, r"^error: --runs must hold a finished run, .* 1 unreadable.*\n$")

    def test_an_out_that_cannot_be_written_is_refused(self):
        write_run(self.runs / "0")
        self.out = self.root / "file"
        self.out.write_text("in the way")
        status, errors = self.report()
        self.assertEqual(status, 2)
        self.assertRegex(errors, r"^error: --out must be a folder that can be written, .*\n$")


if __name__ == "__main__":
    tf.test.main()
