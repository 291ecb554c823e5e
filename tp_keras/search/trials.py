"""The trials of a random search: the settings of each, and which process runs which."""

import inspect
import json
import os
import pathlib
import shutil

import gin
import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from tp_keras import learners
from tp_keras.experiment.console import say
from tp_keras.experiment.identity import first_difference
from tp_keras.experiment.lock import Lock

SETTINGS = "settings"

gin.external_configurable(optuna.pruners.SuccessiveHalvingPruner, module="optuna.pruners")


@gin.configurable(module="tp_keras.trials")
def space(
    learner: type, has_inverse: bool, log_uniform: dict, uniform: dict, choices: dict
) -> dict[str, BaseDistribution]:
    """The domain of every setting that an experiment reads, under the name that gin knows.

    Args:
      learner: The rule; a name without a dot is a parameter of its own.
      has_inverse: Whether the experiment has an optimizer of inverses.
      log_uniform: `(low, high)` of settings that are drawn uniformly in their logarithm.
      uniform: `(low, high)` of settings that are drawn uniformly.
      choices: The values of settings that have a few.

    Raises:
      ValueError: If there is no such setting, whatever the rule.
    """
    domains = {k: FloatDistribution(*bounds, log=True) for k, bounds in log_uniform.items()}
    domains |= {k: FloatDistribution(*bounds) for k, bounds in uniform.items()}
    domains |= {k: CategoricalDistribution(values) for k, values in choices.items()}
    refuse_unknown(domains, learner)
    own = parameters(learner)
    found = {}
    for name, domain in domains.items():
        if "." in name and (has_inverse or not name.startswith("inverse/")):
            found[name] = domain
        elif name in own:
            found[f"{learner.__name__}.{name}"] = domain
    return found


def refuse_unknown(names, learner: type) -> None:
    """Raises ValueError at the first name that is a setting of nothing that gin knows.

    A name without a dot may be a parameter of any rule: a space serves them all.
    """
    rules = (learner, *(getattr(learners, name) for name in learners.__all__))
    of_rules = {parameter for rule in rules for parameter in parameters(rule)}
    for name in names:
        if "." not in name and name not in of_rules:
            allowed = ", ".join(sorted(of_rules - {"self", "network", "objective", "name"}))
            raise ValueError(
                f"the search space must name parameters of rules ({allowed}) or settings with "
                f"their dot, received {name!r}"
            )
        if "." in name:
            try:
                gin.config.ParsedBindingKey.parse(name)
            except (ValueError, TypeError) as error:
                raise ValueError(f"the search space: {name}: {error}") from error


def parameters(learner: type) -> set[str]:
    """Returns the names of a rule's parameters."""
    return set(inspect.signature(learner.__init__).parameters)


@gin.configurable(module="tp_keras.trials")
def study(folder: pathlib.Path, pruner=None) -> optuna.Study:
    """Opens the study that a folder holds, or a new one.

    The storage is Optuna's journal, a file that is only ever appended to under a lock made by a
    symbolic link: that holds on NFS too, where SQLite's locks do not.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    drop_incomplete_line(folder / "journal.log")
    journal = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    return optuna.create_study(
        study_name="search",
        storage=optuna.storages.JournalStorage(journal),
        pruner=pruner or optuna.pruners.NopPruner(),
        load_if_exists=True,
    )


def drop_incomplete_line(path: pathlib.Path) -> None:
    """Cuts a journal after its last whole line, and says so.

    A full disk or a power cut leaves a part of a line, to which Optuna would append the next.
    """
    lock = optuna.storages.journal.JournalFileSymlinkLock(str(path))
    if not path.exists() or path.read_bytes()[-1:] in (b"", b"\n"):
        return
    lock.acquire()  # a line that another process is about to write is whole when it has the lock
    try:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
            say(f"{path}: dropped its last line, which is incomplete")
    finally:
        lock.release()


class Trials:
    """The trials of a study, of which several processes and hosts each take one at a time.

    Which process runs a trial is a lock on a file in the trial's folder. It ends with the process,
    however that ends, so that another process can resume the trial.

    Args:
      folder: Folder of the search, with a folder for each trial in it.
      total: Number of trials.
      domains: Domain of every setting by name.
      settings: What the search is of, by name; a folder is for one search.
      seed: Trial n is a function of (seed, n) alone, whoever runs it.

    Raises:
      ValueError: If the folder cannot be written, or holds another search.
    """

    def __init__(self, folder, total, domains, settings, seed):
        self.folder, self.total, self.domains = folder, total, domains
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.study = study(folder)
        except OSError as error:
            raise ValueError(
                f"--search_dir cannot be written: {folder} ({error.strerror})"
            ) from error
        with Lock(folder / "lock", wait=True):
            self._refuse_another(settings)
            for number in range(len(self.study.trials), total):
                self.study.enqueue_trial(draw(domains, seed, number))

    def _refuse_another(self, settings):
        found = self.study.user_attrs.get(SETTINGS)
        if found is None:
            self.study.set_user_attr(SETTINGS, settings)
        elif found != settings:
            raise ValueError(
                f"--search_dir holds another search: {self.folder}; it differs in "
                f"{first_difference(found, settings)}; choose another folder or remove it"
            )

    def claim(self) -> "ClaimedTrial | None":
        """Returns a trial that was killed, or else the next one; None if none is left."""
        with Lock(self.folder / "lock", wait=True):
            for trial in self._of(TrialState.RUNNING):
                lock = self._lock(trial.number)
                if lock.held:
                    return ClaimedTrial(self, optuna.Trial(self.study, trial._trial_id), lock)
            if self._of(TrialState.WAITING):
                trial = self.study.ask()
                return ClaimedTrial(self, trial, self._lock(trial.number))
        return None

    def running(self) -> int:
        """Returns how many trials other processes run."""
        return len(self._of(TrialState.RUNNING))

    def best(self) -> optuna.trial.FrozenTrial | None:
        """The finished trial of the least error; None if all diverged."""
        done = self._of(TrialState.COMPLETE, TrialState.PRUNED)
        return min(done, key=lambda trial: trial.value, default=None)

    def _of(self, *states):
        trials = self.study.get_trials(deepcopy=False, states=states)
        return [trial for trial in trials if trial.number < self.total]

    def _lock(self, number):
        (self.folder / str(number)).mkdir(exist_ok=True)
        return Lock(self.folder / str(number) / "lock")


class ClaimedTrial:
    """A trial that this process runs.

    Attributes:
      folder: Its run folder.
      parameters: What it tries, by name.
    """

    def __init__(self, trials, trial, lock):
        self.study, self.trial, self.lock = trials.study, trial, lock
        self.number, self.folder = trial.number, trials.folder / str(trial.number)
        self.parameters = {name: _suggest(trial, name, d) for name, d in trials.domains.items()}
        self._record("running")

    def goes_on(self, epoch: int, error: float) -> bool:
        """Reports the least error so far in percent; returns whether the pruner lets it go on."""
        known = self.study.trials[self.number].intermediate_values
        if epoch in known:  # a resumed trial repeats epochs
            return True
        self.trial.report(min([error, *known.values()]), epoch)
        return not self.trial.should_prune()

    def finish(self, name: str, error: float, pruned: bool) -> None:
        """Records the error of a finished or pruned trial in percent, and which error it is."""
        state = "pruned" if pruned else "complete"
        self._record(state, **{f"best_{name.replace(' ', '_')}": error})
        self.trial.set_user_attr("error", f"{name} {error:.2f} %")
        self.study.tell(self.trial, None if pruned else error, TrialState[state.upper()])
        self._close()

    def fail(self, reason: str) -> None:
        """Records that the trial diverged."""
        self._record("diverged", reason=reason)
        self.trial.set_user_attr("reason", reason)
        self.study.tell(self.trial, state=TrialState.FAIL)
        self._close()

    def _close(self):
        # It is never resumed, and the checkpoints of 60 trials would fill a disk
        shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)
        self.lock.release()

    def _record(self, state, **outcome):
        content = {"trial": self.number, "state": state, "parameters": self.parameters, **outcome}
        partial = self.folder / ".trial.json.partial"
        partial.write_text(json.dumps(content, indent=2) + "\n")
        partial.replace(self.folder / "trial.json")


def draw(domains: dict, seed: int, number: int) -> dict:
    """The settings of one trial, by Optuna's random sampler."""
    (key,) = np.random.SeedSequence([seed, number]).generate_state(1)
    sampler = optuna.samplers.RandomSampler(seed=int(key))
    return optuna.create_study(sampler=sampler).ask(domains).params


def _suggest(trial, name, domain):
    """Returns what was drawn for a trial, recorded in the study."""
    if isinstance(domain, CategoricalDistribution):
        return trial.suggest_categorical(name, domain.choices)
    return trial.suggest_float(name, domain.low, domain.high, log=domain.log)
