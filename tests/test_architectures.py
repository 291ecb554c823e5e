"""Networks from rows of Table 3, and from Keras models."""

import numpy as np
import pytest
import tensorflow as tf

from tp_keras import architectures, feedback, feedback_rules
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

    def test_orthogonal_weights_are_orthonormal_at_every_position_and_differ_among_them(self):
        for shared in (False, True):
            network = architectures.build(
                (7, 8, 2),
                5,
                local=[(3, 4, 2), (2, 20, 1)],
                dense=[6],
                shared_weights=shared,
                orthogonal=True,
            )
            for f in network.f.values():
                kernel = f.kernel.numpy()
                if isinstance(f, LocallyConnected2D):
                    self.assertNotAllClose(kernel[0], kernel[1])
                for matrix in (
                    kernel if kernel.ndim == 3 else [kernel.reshape(-1, f.bias.shape[-1])]
                ):
                    matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
                    self.assertAllClose(matrix @ matrix.T, np.eye(len(matrix)), atol=1e-5)

    def test_a_network_with_shared_weights_has_the_same_shapes(self):
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
            ({"local": [(3, 0, 1)]}, "`filters` must be a whole number of at least 1, received 0"),
            (
                {"local": [(3, 4, 0)]},
                "`strides` must be a whole number of at least 1, or two, received 0",
            ),
            ({"dense": [0]}, "`units` must be a whole number of at least 1, received 0"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                architectures.build((7, 8, 2), 5, **settings)


def test_a_keras_model_is_cut_at_its_residual_blocks():
    """The stem, nine residual blocks, the topmost with the pooling, and the output."""
    network = architectures.keras_model((8, 8, 3), 5, architectures.resnet20)
    stages = [(8, 8, 16)] * 4 + [(4, 4, 32)] * 3 + [(2, 2, 64)] * 2 + [(64,), (5,)]
    assert list(network.shapes.values())[1:] == stages


@pytest.mark.parametrize("rule", architectures.BY_LAYERS)
def test_a_converted_keras_model_stays_in_one_piece_and_its_layers_have_the_rule(rule):
    network = architectures.keras_model((12, 12, 1), 5, architectures.lenet, rule)
    assert network.depth == 1
    carried = [feedback_rules.get(rule).__class__] * 4
    assert [type(layer.rule) for layer in feedback.converted(network)] == carried


def test_what_is_no_keras_model_is_refused():
    for builder, rule, message in (
        (architectures.build, None, "keras_model.builder must return .*, received Network"),
        (architectures.lenet, "dfa", "keras_model.rule must be one of fa, .*, received 'dfa'"),
    ):
        with pytest.raises(ValueError, match=message):
            architectures.keras_model((12, 12, 1), 5, builder, rule)
