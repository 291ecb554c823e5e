"""The learning rules, one file each."""

from tp_keras.learners.ao_sdtp import AOSDTP
from tp_keras.learners.bp import BP
from tp_keras.learners.dfa import DFA
from tp_keras.learners.dtp import DTP
from tp_keras.learners.fa import FA
from tp_keras.learners.fixed_dtp import FixedDTP
from tp_keras.learners.frozen import Frozen
from tp_keras.learners.inverse_learner import InverseLearner
from tp_keras.learners.kolen_pollack import KolenPollack
from tp_keras.learners.ldrl import LDRL
from tp_keras.learners.learner import Learner, Update
from tp_keras.learners.rule import rule
from tp_keras.learners.sdtp import SDTP
from tp_keras.learners.sign_symmetry import SignSymmetry
from tp_keras.learners.target_learner import TargetLearner
from tp_keras.learners.tp import TP
from tp_keras.learners.weight_mirror import WeightMirror

__all__ = [
    "AOSDTP",
    "BP",
    "DFA",
    "DTP",
    "FA",
    "LDRL",
    "SDTP",
    "TP",
    "FixedDTP",
    "Frozen",
    "InverseLearner",
    "KolenPollack",
    "Learner",
    "SignSymmetry",
    "TargetLearner",
    "Update",
    "WeightMirror",
    "rule",
]
