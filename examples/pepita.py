"""PEPITA, Dellaferrera & Kreiman (2022): a second forward pass in place of a backward one.

python examples/pepita.py [npz:FILE]  # pip install "tp_keras[quickstart]"
"""

import sys

import tp_keras  # isort: skip, it silences TensorFlow, which keras would start

import keras
import tensorflow as tf

from tp_keras.layers import Dense, Transpose
from tp_keras.learners import Learner, Update, rule


@rule("pepita")
class PEPITA(Learner):
    """h' is what the network makes of x + scale * F delta[L], with F fixed and random.

    W[l] += -eta * (h[l] - h'[l]) h'[l-1]^T,  W[L] += -eta * delta[L] h'[L-1]^T
    """

    def __init__(self, network, objective=None, scale=None, name=None):
        super().__init__(network, objective, name=name)
        self.scale, classes = scale, network.shapes[self.depth][-1]
        self.F = Transpose(Dense(classes), in_shape=network.in_shape, trainable=False)
        self.F.build((None, classes))

    def updates(self, record, y):
        f, h, delta = self.network.f, record.h, self.example_error(record, y)
        second = self.network.record(h[0] + self.scale * self.F(delta)).h
        error = {l: record.scaled(h[l] - second[l]) for l in f if l < self.depth}
        error[self.depth] = record.scaled(delta)
        weights = self.network.trainable_variables
        with tf.GradientTape() as tape:  # not on `record`: PEPITA has no sigma'
            a = [f[l].preactivation(second[l - 1]) for l in f]
        gradients = tape.gradient(a, [w.value for w in weights], [error[l] for l in f])
        return [Update(self.optimizer, gradients, weights)]

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


def main(name="mnist_5k"):
    keras.utils.set_random_seed(0)
    data = tp_keras.data.load(name, batch_size=32)
    network = tp_keras.architectures.build(data.input_shape, data.classes, dense=[128])
    learner = PEPITA(network, tp_keras.objectives.SoftmaxCrossEntropy(), scale=0.05)
    learner.compile(keras.optimizers.Adam(1e-3))
    options = {"steps_per_epoch": data.steps_per_epoch, "validation_data": data.test_batches()}
    learner.fit(data.training_batches(), epochs=5, shuffle=False, verbose=2, **options)


if __name__ == "__main__":
    main(*sys.argv[1:])
