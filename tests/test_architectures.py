"""Rows of Table 3 into networks."""

import tensorflow as tf

from tp_keras import architectures
from tp_keras.layers import Conv2D, Dense, LocallyConnected2D


class BuildTest(tf.test.TestCase):
    def test_row_of_table_3_gives_its_shapes(self):
        """CIFAR-10, LC, on a third of its images' sides."""
        network = architectures.build(
            (12, 11, 3), 10, local=[(5, 64, 2), (5, 128, 2), (3, 256, 1)], dense=[1024]
        )
        shapes = [f.out_shape for f in network.stack]
        expected = [(6, 6, 64), (3, 3, 128), (3, 3, 256), (1024,), (10,)]
        self.assertEqual(shapes, expected)
        kinds = [type(f) for f in network.stack]
        self.assertEqual(kinds, [LocallyConnected2D] * 3 + [Dense] * 2)
        names = [f.activation.__name__ for f in network.stack]
        self.assertEqual(names, ["tanh"] * 4 + ["softmax"])

    def test_twin_with_shared_weights_has_the_same_shapes(self):
        row = {"input_shape": (7, 8, 2), "classes": 5, "local": [(3, 4, 2)], "dense": [6]}
        local = architectures.build(**row)
        shared = architectures.build(**row, shared_weights=True)
        self.assertIs(type(shared.f[1]), Conv2D)
        for one, other in zip(local.stack, shared.stack, strict=True):
            self.assertEqual(one.out_shape, other.out_shape)

    def test_output_is_a_distribution_over_the_classes(self):
        network = architectures.build((7, 8, 2), 5, local=[(3, 4, 2)])
        self.assertAllClose(tf.ones(3), tf.reduce_sum(network(tf.ones((3, 7, 8, 2))), -1))

    def test_autoencoder_ends_linear_and_as_wide_as_the_image(self):
        network = architectures.autoencoder((7, 8, 2), 10, dense=[5, 3, 5])
        self.assertEqual([f.out_shape for f in network.stack], [(5,), (3,), (5,), (112,)])
        self.assertEqual([f.activation.__name__ for f in network.stack], ["tanh"] * 3 + ["linear"])

    def test_activation_and_dtype_reach_the_layers(self):
        network = architectures.build((4,), 3, dense=[5], activation="relu", dtype="float64")
        self.assertEqual(network.f[1].activation.__name__, "relu")
        self.assertEqual({w.dtype for w in network.weights}, {"float64"})

    def test_malformed_rows_are_refused(self):
        for settings, message in (
            ({"local": [(3, 4)]}, r"`local` holds .*, received \(3, 4\)"),
            ({"local": [(3, 0, 1)]}, "`filters` must be at least 1, received 0"),
            ({"local": [(3, 4, 0)]}, "`strides` must be at least 1, received 0"),
            ({"dense": [0]}, "`units` must be at least 1, received 0"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                architectures.build((7, 8, 2), 5, **settings)
