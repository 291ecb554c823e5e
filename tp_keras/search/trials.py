"""The trials of a random search: the settings of each, and which process runs which."""

import contextlib
import json

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState

from tp_keras.experiment import checkpoint_files
from tp_keras.experiment.identity import first_difference
from tp_keras.experiment.lock import Lock
from tp_keras.experiment.run_directory import writing
from tp_keras.experiment.whole_files import remove_partials, write_whole
from tp_keras.search.space import draw
from tp_keras.search.study import open_study

SETTINGS = "settings"


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
      ValueError: If the folder cannot be written, or holds another search, or links.

    Methods raise CannotWrite where the folder could be written and no longer can.
    """

    def __init__(self, folder, total, domains, settings, seed):
        self.folder, self.total, self.domains = folder, total, domains
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._refuse_links()
            self.study = open_study(folder)
            with Lock(folder / "lock", wait=True):
                self._refuse_another(settings)
                for number in range(len(self.study.trials), total):
                    self.study.enqueue_trial(draw(domains, seed, number))
        except OSError as error:
            place = error.filename or folder
            raise ValueError(
                f"--search_dir cannot be written: {place} ({error.strerror})"
            ) from error

    def _refuse_links(self):
        """A trial's folder may be elsewhere for who put a link there, and is not ours to write."""
        for number in range(self.total):
            path = self.folder / str(number)
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                raise ValueError(f"--search_dir must hold a folder {path}, no link and no file")

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
        with writing(self.folder), Lock(self.folder / "lock", wait=True):
            for trial in self._of(TrialState.RUNNING):
                lock = self._lock(trial.number)
                if lock.held:
                    return self._claimed(optuna.Trial(self.study, trial._trial_id), lock)
            if self._of(TrialState.WAITING):
                trial = self.study.ask()
                return self._claimed(trial, self._lock(trial.number))
        return None

    def _claimed(self, trial, lock):
        try:
            return ClaimedTrial(self, trial, lock)
        except BaseException:
            lock.release()
            raise

    def running(self) -> int:
        """Returns how many trials other processes run."""
        return len(self._of(TrialState.RUNNING))

    def best(self) -> optuna.trial.FrozenTrial | None:
        """Returns the finished trial of the least error; None if all diverged."""
        done = self._of(TrialState.COMPLETE, TrialState.PRUNED)
        return min(done, key=lambda trial: trial.value, default=None)

    def _of(self, *states):
        with writing(self.folder):
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
        self.search = trials.folder
        self.number, self.folder = trial.number, trials.folder / str(trial.number)
        self.parameters = {name: _suggest(trial, name, d) for name, d in trials.domains.items()}
        self._record("running")

    def goes_on(self, epoch: int, error: float) -> bool:
        """Reports the least error so far in percent; returns whether the pruner lets it go on."""
        with writing(self.search):
            known = self.study.trials[self.number].intermediate_values
            if epoch in known:  # a resumed trial repeats epochs
                return True
            self.trial.report(min([error, *known.values()]), epoch)
            return not self.trial.should_prune()

    def finish(self, name: str, error: float, in_words: str, pruned: bool) -> None:
        """Records the error of a finished or pruned trial, its name and what to call it."""
        state = "pruned" if pruned else "complete"
        with writing(self.search):
            self._record(state, **{f"best_{name.replace(' ', '_')}": error})
            self.trial.set_user_attr("error", in_words)
            self.study.tell(self.trial, None if pruned else error, TrialState[state.upper()])
        self._close()

    def fail(self, reason: str) -> None:
        """Records that the trial diverged."""
        with writing(self.search):
            self._record("diverged", reason=reason)
            self.trial.set_user_attr("reason", reason)
            self.study.tell(self.trial, state=TrialState.FAIL)
        self._close()

    def _close(self):
        # It is never resumed, and the checkpoints of 60 trials would fill a disk
        checkpoints = self.folder / "checkpoints"
        remove_partials(checkpoints)
        checkpoint_files.keep_newest(checkpoints, 0, 0)
        with contextlib.suppress(OSError):  # there is none, or it holds what is not ours
            checkpoints.rmdir()
        self.lock.release()

    def _record(self, state, **outcome):
        content = {"trial": self.number, "state": state, "parameters": self.parameters, **outcome}
        text = json.dumps(content, indent=2) + "\n"
        write_whole(
            self.folder / "trial.json", lambda path: path.write_text(text, encoding="utf-8")
        )


def _suggest(trial, name, domain):
    """Returns what was drawn for a trial, recorded in the study."""
    if isinstance(domain, CategoricalDistribution):
        return trial.suggest_categorical(name, domain.choices)
    return trial.suggest_float(name, domain.low, domain.high, log=domain.log)
