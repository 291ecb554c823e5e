"""Direct random target projection (DRTP), Frenkel et al. (2021).

python examples/drtp.py [npz:FILE]  # pip install "tp_keras[quickstart]"
"""

import sys

import tp_keras  # isort: skip, it silences TensorFlow, which keras would start

import keras

from tp_keras.learners import Learner, rule


@rule("drtp")
class DRTP(Learner):
    """Hidden blocks read the label, through fixed random weights: error[l] = B[l] y."""

    needs_target = True

    def __init__(self, network, objective=None, name=None):
        super().__init__(network, objective, name=name)
        self.B = tp_keras.feedback.direct(network)

    def errors(self, record, y):
        error = {l: record.scaled(B(self.output_target(y))) for l, B in self.B.items()}
        return {**error, self.depth: self.output_error(record, y)}


def main(name="mnist_5k"):
    keras.utils.set_random_seed(0)
    data = tp_keras.data.load(name, batch_size=32)
    network = tp_keras.architectures.build(data.input_shape, data.classes, dense=[128])
    learner = DRTP(network, tp_keras.objectives.SoftmaxCrossEntropy())
    learner.compile(keras.optimizers.Adam(1e-3))
    options = {"steps_per_epoch": data.steps_per_epoch, "validation_data": data.test_batches()}
    learner.fit(data.training_batches(), epochs=5, shuffle=False, verbose=2, **options)


if __name__ == "__main__":
    main(*sys.argv[1:])
