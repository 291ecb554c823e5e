"""The learning rules, one file each."""

from tp_keras.learners.ao_sdtp import AOSDTP
from tp_keras.learners.bp import BP
from tp_keras.learners.dfa import DFA
from tp_keras.learners.dtp import DTP
from tp_keras.learners.fa import FA
from tp_keras.learners.learner import Learner
from tp_keras.learners.sdtp import SDTP
from tp_keras.learners.target_learner import TargetLearner
from tp_keras.learners.tp import TP

__all__ = ["AOSDTP", "BP", "DFA", "DTP", "FA", "SDTP", "TP", "Learner", "TargetLearner"]
