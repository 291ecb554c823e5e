"""Reads experiment files and single settings into gin."""

import io
import pathlib
import re
import tokenize
from collections.abc import Iterator, Sequence

import gin
from gin import config_parser

from tp_keras.experiment import boundary  # noqa: F401, whose check `gin.finalize` calls

# Of experiment files: bytes of one, how many there may be, and how deep they include each other
LONGEST, MOST_FILES, MOST_NESTED = 1_000_000, 1000, 30
PACKAGE = pathlib.Path(__file__).parents[1]
# A wheel carries gin/ inside the package, a checkout has it beside the package
INSTALLED = PACKAGE if (PACKAGE / "gin").is_dir() else PACKAGE.parent
# What gin and the tokenizer that it reads by raise over a text that is wrong
MISTAKES = (
    ValueError,
    TypeError,
    LookupError,
    NameError,
    AttributeError,
    SyntaxError,
    ImportError,
    RecursionError,
    OSError,
    tokenize.TokenError,
)
GIN_S_LOCATION = re.compile(r"\n  In (?:file \".*\",|bindings string) line (\d+)\n.*", re.S)
# Messages of the tokenizer, which depend on Python's version, and ours in their place
UNCLOSED = {
    "eof in multi-line statement": "a bracket is not closed",
    "unexpected eof in multi-line statement": "a bracket is not closed",
    "eof in multi-line string": "a string is not closed",
    "unterminated": "a string is not closed",
}


class _Names(config_parser.ParserDelegate):
    """Reads a text without looking up what it names."""

    def configurable_reference(self, scoped_configurable_name, evaluate):
        return "@" + scoped_configurable_name + "()" * evaluate

    def macro(self, macro_name):
        return "%" + macro_name


def configure(gin_files: Sequence[str], overrides: Sequence[str], trust: bool = False) -> None:
    """Reads experiment files, then overrides, into gin.

    A path is looked for in the working directory, then among the installed files; so are the
    paths that a file includes.

    Args:
      gin_files: Paths, such as "gin/quickstart.gin".
      overrides: Settings, such as "SDTP.noise_stddev = 0.1".
      trust: Whether `import` lines are carried out, which run any code; else they are refused.

    Raises:
      ValueError: In one line, if a file is missing or malformed, imports without being trusted,
        or includes itself, or a name or value is wrong.
    """
    if not gin_files:
        raise ValueError("--gin_file is missing: name an experiment, such as gin/quickstart.gin")
    reader = _Reader(trust)
    for path in gin_files:
        reader.read_file(path, "--gin_file", ())
    for setting in overrides:
        reader.read_text(setting, None, ())
    try:
        gin.finalize()
    except MISTAKES as error:
        raise ValueError(one_line(error)) from error


def find(path: str, flag: str) -> pathlib.Path:
    """Returns where an experiment file is: in the working directory, or installed.

    Raises:
      ValueError: If it is in neither, naming what asked for it and where it was looked for.
    """
    try:
        for root in (pathlib.Path(), INSTALLED):
            if (root / path).is_file():
                return root / path
        exists, here = pathlib.Path(path).exists(), pathlib.Path().absolute()
    except OSError as error:  # too long, not permitted, or the working directory is gone
        raise ValueError(f"{flag} cannot be read: {path[:200]} ({error.strerror})") from error
    if exists:
        raise ValueError(f"{flag} must be a file, and {path!r} is a folder, a pipe or the like")
    places = f"; looked in {here} and {INSTALLED}"
    raise ValueError(f"{flag} not found: {path}{places * (not pathlib.Path(path).is_absolute())}")


def statements(text: str, name: str | None = None) -> Iterator:
    """Yields the statements of a gin text, as `gin.config_parser` has them.

    Nothing is looked up or imported: a reference is the string "@name", a macro "%name".

    Raises:
      ValueError: If the text is malformed, naming the line.
    """
    parser = None
    try:
        parser = config_parser.ConfigParser(_source(text, name), _Names())
        yield from parser
    except MISTAKES as error:
        line = getattr(error, "lineno", None)
        if line is None:  # where the statement that never ends was left
            line = parser.current_token.start[0] if parser else 1
        raise ValueError(f"{_place(text, name, line)}: {_reason(error)}") from error


def one_line(error: Exception) -> str:
    """The message of an error, without what gin wraps around it over several lines."""
    text = str(error)
    missing = re.search(r"^(\w+)\S* missing .*\n.*for arguments: \[(.*)\]", text)
    if missing:
        return f"{missing[1]} has no value for {missing[2]}: bind it in the experiment file"
    if macro := re.search(r"No bindings specified for '(.+)/gin\.macro'", text):
        return f"%{macro[1]} stands for nothing: bind {macro[1]} = ... in the experiment file"
    text = text.partition(" in config string:")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith("In call to configurable"))


class _Reader:
    """Reads texts and what they include.

    Args:
      trust: Whether `import` lines are carried out.
    """

    def __init__(self, trust):
        self.trust, self.files = trust, 0

    def read_file(self, path, asked_by, including):
        file = find(path, asked_by)
        self.files += 1
        if file.resolve() in including:
            raise ValueError(f"{asked_by} {path} is circular: it is being read already")
        if self.files > MOST_FILES or len(including) > MOST_NESTED:
            raise ValueError(
                f"{asked_by} {path}: at most {MOST_FILES} files can be included, at most "
                f"{MOST_NESTED} in one another"
            )
        try:
            if file.stat().st_size > LONGEST:
                raise ValueError(f"{path} cannot be read: it is longer than {LONGEST:,} bytes")
            text = file.read_text(encoding="utf-8-sig")  # some editors mark UTF-8
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
        self.read_text(text, str(file), (*including, file.resolve()))

    def read_text(self, text, name, including):
        """Reads a text piece by piece, since each of its includes has to be read at its place."""
        imports, begin = set(), 1  # numbers of lines
        for statement in statements(text, name):
            line = statement.location.line_num
            if begin is None:
                begin = line
            if isinstance(statement, config_parser.ImportStatement):
                if not self.trust:
                    raise ValueError(
                        f"{_place(text, name, line)}: '{statement.format()}' would run code: give "
                        "--trust_gin_imports if you trust what it imports"
                    )
                imports.add(line)
            elif isinstance(statement, config_parser.IncludeStatement):
                _bind(text, name, imports, range(begin, line))
                asked_by = f"{_place(text, name, line)}: include"
                self.read_file(statement.filename, asked_by, including)
                begin = None
        if begin is not None:
            _bind(text, name, imports, range(begin, text.count("\n") + 2))


def _bind(text, name, imports, wanted):
    """Gives gin some lines of a text, at their place, after the imports that hold for them."""
    lines = text.split("\n")
    kept = [line if n in wanted or n in imports else "" for n, line in enumerate(lines, 1)]
    try:
        gin.parse_config(_source("\n".join(kept), name))
    except MISTAKES as error:
        location = GIN_S_LOCATION.search(str(error))
        line = int(location[1]) if location else None
        raise ValueError(f"{_place(text, name, line)}: {_reason(error)}") from error


def _source(text, name):
    """A text as a file with the name that gin puts into its messages."""
    source = io.StringIO(text)
    source.name = name
    return source


def _place(text, name, line):
    if name is None:
        return f"setting {text[:80]!r}"
    return name if line is None else f"{name}, line {line}"


def _reason(error):
    """What is wrong, without where."""
    text = str(error)
    if isinstance(error, SyntaxError | tokenize.TokenError):
        text = str(getattr(error, "msg", None) or error.args[0])
    if token := re.search(r"Failed to parse token (.*)", text):
        return f"{token[1]} is not a value; strings need quotes"
    for start, words in UNCLOSED.items():
        if text.lower().startswith(start):
            return words
    return " ".join(GIN_S_LOCATION.sub("", text).split())
