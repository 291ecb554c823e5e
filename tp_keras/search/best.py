"""The experiment file of a search's best trial."""

import shlex

import optuna

from tp_keras.experiment import cli, config

OF_SEARCH = ("space", "study", "SuccessiveHalvingPruner")  # what only a search reads


def experiment_file(
    path,
    best: optuna.trial.FrozenTrial,
    files: list[str],
    settings: list[str],
    space: str,
    seed: int,
    command: str,
) -> str:
    """Returns the best configuration as a gin file that trains what the trial did.

    Its run folder is one of the search's folder, since all searches call their file best.gin.

    Args:
      path: Where the file will be.
      best: The trial.
      files: The experiment files of the search.
      settings: What the search's command line set beside them.
      space: The file of the search space.
      seed: The seed of the search.
      command: The command that trains it.
    """
    notes = [
        f"{path.parent.name}: trial {best.number}, the best of a random search.",
        f"Numbers: {space}, drawn with seed {seed}.",
        f"Its {best.user_attrs['error']}, the lowest of its epochs.",
        command,
    ]
    lines = [
        *(f"# {note if note.isprintable() else repr(note)}" for note in notes),
        *(f"include {file!r}" for file in files),
        "",
        *settings,
        *(f"{name} = {value!r}" for name, value in best.params.items()),
        f"train.run_dir = {str(path.parent / 'best' / cli.SEED)!r}",
    ]
    return "\n".join(lines) + "\n"


def is_of_search(setting: str) -> bool:
    """Whether all that a text of --gin_bindings sets is the search's own."""
    selectors = [getattr(one, "selector", "") for one in config.statements(setting)]
    return bool(selectors) and all(one.endswith(OF_SEARCH) for one in selectors)


def train_command(path, trusts_imports: bool) -> str:
    """Returns the command that trains an experiment file, as a shell takes it."""
    trust = " --trust_gin_imports" * trusts_imports
    return f"python -m tp_keras.train {shlex.quote(f'--gin_file={path}')}{trust}"
