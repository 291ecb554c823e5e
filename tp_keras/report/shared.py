"""Settings in `operative.gin`, and those that the seeds of one experiment share."""

import re

from tp_keras.may_change import MAY_CHANGE

FREE = re.compile(
    r"^(?:(?:\S*[./])?seed|(?:\S*[./])?(?:" + "|".join(map(re.escape, MAY_CHANGE)) + r")) *="
)


def setting(operative: str, name: str) -> str | None:
    """Returns a binding's value, such as that of `load.image_size`, as text; None without one."""
    binding = rf"^(?:\S*[./])?{re.escape(name)} *= *(?:\\\n *)?(.*(?:\n +.*)*)"
    found = re.search(binding, operative, re.M)
    return found[1].strip() if found else None


def shared_settings(operative: str) -> str:
    """Returns the bindings that make an experiment what it is, a line each."""
    text = operative.replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    # gin breaks long values, and indents what follows
    bound = re.sub(r"\n\s+", " ", "\n".join(lines)).splitlines()
    callbacks = re.findall(r"@(?:\w+/)*([\w.]+)", setting(operative, "train.callbacks") or "")
    of_callbacks = tuple(f"{name}." for name in callbacks)
    return "\n".join(
        line
        for line in bound
        if not FREE.match(line) and not _parameter(line).startswith(of_callbacks)
    )


def _parameter(line):
    """The name that a line binds, without its scopes."""
    return line.partition("=")[0].rpartition("/")[2]
