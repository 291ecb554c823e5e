"""Direct difference target propagation (DDTP-linear), Meulemans et al. (2020).

python examples/ddtp_linear.py [npz:FILE]  # pip install "tp_keras[quickstart]"
"""

import sys

import tp_keras  # isort: skip, it silences TensorFlow, which keras would start

import keras
import tensorflow as tf

from tp_keras.learners import Learner, Update, rule


@rule("ddtp_linear")
class DDTPLinear(Learner):
    """target[l] = h[l] - beta * Q[l] delta[L]; Q[l] learns to find noise on h[l] from its a[L]."""

    optimizer_names = ("optimizer", "feedback_optimizer")

    def __init__(self, network, objective=None, beta=None, stddev=None, rate=None, name=None):
        super().__init__(network, objective, name=name)
        self.beta, self.stddev, self.rate = beta, stddev, rate
        self.Q = tp_keras.feedback.direct(network)
        self.feedback_optimizer = keras.optimizers.Adam(rate)
        self.feedback_optimizer.build([Q.kernel for Q in self.Q.values()])

    def errors(self, record, y):  # 2 * (h[l] - target[l])
        delta = self.example_error(record, y)
        error = {l: record.scaled(2.0 * self.beta * Q(delta)) for l, Q in self.Q.items()}
        return {**error, self.depth: self.output_error(record, y)}

    def updates(self, record, y):
        key, losses = tp_keras.keys.key(0, "noise", self.feedback_optimizer.iterations.value), []
        draws = tp_keras.noise.normal_like([record.h[l] for l in self.Q], key, self.stddev)
        with tf.GradientTape() as tape:
            for (l, Q), xi in zip(self.Q.items(), draws, strict=True):
                a = self.network.output_from(l, record.h[l] + xi)
                losses.append(record.scaled(tf.square(Q(a - record.a[self.depth]) - xi)))
        weights = [Q.kernel for Q in self.Q.values()]
        gradients = tape.gradient(losses, [weight.value for weight in weights])
        return [*super().updates(record, y), Update(self.feedback_optimizer, gradients, weights)]

    def get_config(self):
        return {**super().get_config(), "beta": self.beta, "stddev": self.stddev, "rate": self.rate}


def main(name="mnist_5k"):
    keras.utils.set_random_seed(0)
    data = tp_keras.data.load(name, batch_size=32)
    network = tp_keras.architectures.build(data.input_shape, data.classes, dense=[128])
    learner = DDTPLinear(network, tp_keras.objectives.SoftmaxCrossEntropy(), 0.1, 0.1, 1e-3)
    learner.compile(keras.optimizers.Adam(1e-3))
    options = {"steps_per_epoch": data.steps_per_epoch, "validation_data": data.test_batches()}
    learner.fit(data.training_batches(), epochs=5, shuffle=False, verbose=2, **options)


if __name__ == "__main__":
    main(*sys.argv[1:])
