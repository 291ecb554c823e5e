"""Locally connected layers with weights of Keras 2's compute what those did.

`reference/keras_2_locally_connected.npz` holds inputs, weights and outputs of the layers of
tf_keras 2.21 in all three implementations.
"""

import json
import pathlib

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import layers

REFERENCE = dict(
    np.load(pathlib.Path(__file__).parents[1] / "reference/keras_2_locally_connected.npz")
)
CASES = json.loads(str(REFERENCE["cases"]))


def built(case, **changes):
    layer = getattr(layers, f"LocallyConnected{case['kind']}")
    options = {"padding": "valid", **case["options"], **changes}
    layer = layer(**options)
    layer.build((None, *case["shape"]))
    return layer


class Keras2Test(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*range(len(CASES)))
    def test_the_output_is_that_of_the_old_layer(self, number):
        x, y, *weights = (REFERENCE.get(f"{number}/{name}") for name in ("x", "y", "w0", "w1"))
        layer = built(CASES[number])
        layer.set_keras_2_weights([w for w in weights if w is not None])
        self.assertAllClose(y, layer(x), atol=1e-5)
        self.assertEqual(layer.compute_output_shape(x.shape), y.shape)

    def test_weights_of_another_layer_are_refused(self):
        layer = built(CASES[0])
        with self.assertRaisesRegex(ValueError, r"a kernel of \(7, 5\) is of no Keras 2 layer"):
            layer.set_keras_2_weights([np.zeros((7, 5)), np.zeros(layer.bias.shape)])
        with self.assertRaisesRegex(ValueError, "use_bias=True, received 1 weights"):
            layer.set_keras_2_weights([REFERENCE["0/w0"]])
        uneven = built(CASES[0], padding="same")
        with self.assertRaisesRegex(ValueError, "under 'same' padding Keras 2 begins"):
            uneven.set_keras_2_weights([np.zeros(9), np.zeros(uneven.bias.shape)])
        with self.assertRaisesRegex(ValueError, "must be built"):
            layers.LocallyConnected2D(3, 3).set_keras_2_weights([])


if __name__ == "__main__":
    tf.test.main()
