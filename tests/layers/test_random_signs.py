"""A fixed random matrix that is not stored."""

import math
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from tp_keras.layers import RandomSigns, random_signs


class RandomSignsTest(tf.test.TestCase, parameterized.TestCase):
    # Numbers of inputs that do and do not fill words of 32 bits; blocks that do and do not fill B
    @parameterized.parameters((5, (3, 2, 4), 10), (32, (24,), 32 * 8), (70, (7,), 1))
    def test_call_is_the_product_with_the_matrix(self, inputs, out_shape, block):
        with mock.patch.object(random_signs, "BLOCK", block):
            layer = RandomSigns(inputs, out_shape, (3, 1))
        y = np.random.default_rng(0).normal(size=(6, inputs)).astype("float32")
        expected = y @ layer.matrix().numpy().T
        self.assertAllClose(expected.reshape(6, *out_shape), layer(y), atol=1e-5)
        self.assertAllClose(layer(y), tf.function(layer)(y), atol=1e-5)

    def test_entries_are_independent_signs_of_glorots_variance(self):
        matrix = RandomSigns(500, (40, 30), (7, 2)).matrix().numpy()
        signs = np.sign(matrix)
        self.assertAllClose(np.abs(matrix), np.full((1200, 500), math.sqrt(2 / 1700)))
        # Sums of n independent signs have a deviation of sqrt(n): six of them bound the largest
        self.assertLess(abs(signs.sum()), 4 * math.sqrt(signs.size))
        for products in (signs @ signs.T, signs.T @ signs):
            np.fill_diagonal(products, 0)
            self.assertLess(np.abs(products).max(), 6 * math.sqrt(1200))
        for shift in (1, 8, 32):  # within a byte, a word, and beyond
            correlation = np.sum(signs[:, shift:] * signs[:, :-shift])
            self.assertLess(abs(correlation), 4 * math.sqrt(signs.size))

    def test_another_seed_or_layer_gives_another_matrix(self):
        one, *others = (RandomSigns(64, (50,), seed).matrix() for seed in ((1, 1), (1, 2), (2, 1)))
        for other in others:
            agreement = np.mean(np.equal(one, other))
            self.assertAllClose(agreement, 0.5, atol=4 * 0.5 / math.sqrt(64 * 50))

    def test_no_tensor_of_a_call_is_larger_than_a_block_or_the_output(self):
        layer = RandomSigns(1000, (20, 20, 30), (0, 1))
        graph = tf.function(layer).get_concrete_function(tf.zeros((2, 1000))).graph
        graphs = [graph, *(f.graph for f in graph._functions.values() if hasattr(f, "graph"))]
        sizes = [
            math.prod(tensor.shape)
            for g in graphs
            for operation in g.get_operations()
            for tensor in operation.outputs
            if tensor.shape.is_fully_defined()
        ]
        self.assertGreater(len(graphs), 1)  # the loop's body is among them
        self.assertLess(max(sizes), 1.1 * random_signs.BLOCK)  # words are filled up
        self.assertGreater(1000 * layer.units, 5 * random_signs.BLOCK)

    def test_xla_draws_the_same(self):
        layer = RandomSigns(70, (9,), (3, 1))
        y = tf.ones((2, 70))
        self.assertAllClose(layer(y), tf.function(layer, jit_compile=True)(y), atol=1e-5)


if __name__ == "__main__":
    tf.test.main()
