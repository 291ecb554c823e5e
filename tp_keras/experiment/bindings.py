"""Reads the bindings of gin's own texts: `config_str` and `operative_config_str`."""

import ast

# Settings that are no choice of what is learned, left out of HParams, as seeds are
NO_HYPERPARAMETER = ("train.run_dir", "train.paper_error", "train.paper_dataset")


def parse_bindings(text: str) -> dict[str, str]:
    """Returns `{"module.parameter": "value"}` of a gin text, comments and line breaks left out."""
    lines = text.replace("\\\n", " ").splitlines()
    found, name = {}, None
    for line in lines:
        if line.startswith("#") or not line.strip():
            name = None
        elif line[0].isspace() and name:  # gin breaks long values and indents the rest
            found[name] += " " + line.strip()
        elif "=" in line:
            name, value = (part.strip() for part in line.split("=", 1))
            found[name] = value
    return found


def hyperparameters(operative: str) -> dict[str, float | str]:
    """Returns a run's bindings as TensorBoard's HParams takes them: numbers, booleans, strings.

    A macro is there under its own name, and not once more where it is used.
    """
    values = {}
    for name, text in parse_bindings(operative).items():
        seed = name.rpartition(".")[2] == "seed"
        if seed or name in NO_HYPERPARAMETER or text.startswith("%"):
            continue
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            value = text  # a reference such as @SDTP
        if value is not None:
            values[name] = value if isinstance(value, bool | int | float | str) else text
    return values
