"""The trials of a random search: what each tries, and which process has taken which."""

import inspect
import json
import pathlib
import shutil

import gin
import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

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
    """
    domains = {k: FloatDistribution(*bounds, log=True) for k, bounds in log_uniform.items()}
    domains |= {k: FloatDistribution(*bounds) for k, bounds in uniform.items()}
    domains |= {k: CategoricalDistribution(values) for k, values in choices.items()}
    own = inspect.signature(learner.__init__).parameters
    found = {}
    for name, domain in domains.items():
        if "." in name and (has_inverse or not name.startswith("inverse/")):
            found[name] = domain
        elif name in own:
            found[f"{learner.__name__}.{name}"] = domain
    return found


@gin.configurable(module="tp_keras.trials")
def study(folder: pathlib.Path, pruner=None) -> optuna.Study:
    """Opens the study that a folder holds, or a new one.

    The storage is Optuna's journal, a file that is only ever appended to under a lock made by a
    symbolic link: that holds on NFS too, where SQLite's locks do not.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    return optuna.create_study(
        study_name="search",
        storage=optuna.storages.JournalStorage(journal),
        pruner=pruner or optuna.pruners.NopPruner(),
        load_if_exists=True,
    )


class Trials:
    """The trials of a study, of which several processes and hosts each take one at a time.

    Which process runs a trial is a lock on a file in the trial's folder. It ends with the process,
    however that ends, so that another can take up the trial.

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
        """Takes up a trial that was killed, or else the next one; None if none is left."""
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
        """How many trials other processes have taken."""
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
    """A trial that this process has taken.

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
        """Notes the least error so far in percent, and asks the pruner whether to go on."""
        known = self.study.trials[self.number].intermediate_values
        if epoch in known:  # a trial that was taken up comes by the same epochs again
            return True
        self.trial.report(min([error, *known.values()]), epoch)
        return not self.trial.should_prune()

    def finish(self, name: str, error: float, pruned: bool) -> None:
        """Notes the error of a finished or pruned trial in percent, and which it is."""
        state = "pruned" if pruned else "complete"
        self._record(state, **{f"best_{name.replace(' ', '_')}": error})
        self.trial.set_user_attr("error", f"{name} {error:.2f} %")
        self.study.tell(self.trial, None if pruned else error, TrialState[state.upper()])
        self._close()

    def fail(self, reason: str) -> None:
        """Notes that the trial diverged."""
        self._record("diverged", reason=reason)
        self.trial.set_user_attr("reason", reason)
        self.study.tell(self.trial, state=TrialState.FAIL)
        self._close()

    def _close(self):
        # Nobody takes it up again, and the checkpoints of 60 trials would fill a disk
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
    """What was drawn for a trial, noted in the study."""
    if isinstance(domain, CategoricalDistribution):
        return trial.suggest_categorical(name, domain.choices)
    return trial.suggest_float(name, domain.low, domain.high, log=domain.log)
