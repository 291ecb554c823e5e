"""The fully connected layer."""

import numpy as np
import tensorflow as tf
from affine_layers import built, normal

from tp_keras.layers import Dense


class DenseTest(tf.test.TestCase):
    def test_is_a_matrix_product_on_the_flattened_input(self):
        layer = built(lambda: Dense(5, "tanh"), (3, 4, 2))
        layer.bias.assign(normal(5, seed=1))
        x = normal(6, 3, 4, 2)
        expected = np.tanh(x.reshape(6, 24) @ layer.kernel.numpy() + layer.bias.numpy())
        self.assertAllClose(expected, layer(x), atol=1e-5)

    def test_units_must_be_positive(self):
        with self.assertRaisesRegex(
            ValueError, "`units` must be a whole number of at least 1, received 0"
        ):
            Dense(0)
