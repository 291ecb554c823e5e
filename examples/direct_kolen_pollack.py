"""Direct Kolen-Pollack (DKP), Webster, Choi & Ahn (2021): direct feedback alignment whose B learns.

python examples/direct_kolen_pollack.py [npz:FILE]  # pip install "tp_keras[quickstart]"
"""

import sys

import tp_keras  # isort: skip, it silences TensorFlow, which keras would start

import keras
import tensorflow as tf

from tp_keras.learners import Learner, Update, rule


@rule("direct_kolen_pollack")
class DirectKolenPollack(Learner):
    """error[l] = B[l] error[L],  B[l] += -rate * h[l] error[L]^T - rate * decay * B[l]."""

    optimizer_names = ("optimizer", "feedback_optimizer")

    def __init__(self, network, objective=None, rate=None, decay=None, name=None):
        super().__init__(network, objective, name=name)
        self.rate, self.decay = rate, decay
        self.B = tp_keras.feedback.direct(network)
        self.kernels = [B.kernel for B in self.B.values()]
        self.feedback_optimizer = keras.optimizers.SGD(rate, weight_decay=decay)
        self.feedback_optimizer.build(self.kernels)

    def errors(self, record, y):
        delta = self.output_error(record, y)
        return {self.depth: delta, **{l: B(delta) for l, B in self.B.items()}}

    def updates(self, record, y):
        delta = self.output_error(record, y)
        with tf.GradientTape() as tape:
            products = [record.h[l] * B(delta) for l, B in self.B.items()]
        gradients = tape.gradient(products, [kernel.value for kernel in self.kernels])
        learned = Update(self.feedback_optimizer, gradients, self.kernels)
        return [*super().updates(record, y), learned]

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "decay": self.decay}


def main(name="mnist_5k"):
    keras.utils.set_random_seed(0)
    data = tp_keras.data.load(name, batch_size=32)
    network = tp_keras.architectures.build(data.input_shape, data.classes, dense=[128])
    objective = tp_keras.objectives.SoftmaxCrossEntropy()
    learner = DirectKolenPollack(network, objective, rate=0.1, decay=1e-3)
    learner.compile(keras.optimizers.SGD(0.1, weight_decay=1e-3))
    options = {"steps_per_epoch": data.steps_per_epoch, "validation_data": data.test_batches()}
    learner.fit(data.training_batches(), epochs=5, shuffle=False, verbose=2, **options)


if __name__ == "__main__":
    main(*sys.argv[1:])
