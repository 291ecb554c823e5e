"""Every affine layer: its adjoint, its initial weights, and that it is an ordinary Keras layer."""

import math

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from affine_layers import NAMED_LAYERS, ONE_OF_EACH, built, normal
from saving import saved_and_loaded

from tp_keras.layers import Affine, Conv2D, Dense, LocallyConnected2D


class AffineTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*NAMED_LAYERS)
    def test_adjoint_satisfies_the_identity_of_inner_products(self, make, in_shape):
        layer = built(make, in_shape, dtype="float64")
        h = normal(3, *in_shape, dtype="float64")
        delta = normal(3, *layer.out_shape, dtype="float64", seed=1)
        a = layer.preactivation(h)
        self.assertEqual(a.shape, delta.shape)
        self.assertAllClose(
            tf.reduce_sum(a * delta), np.sum(h * layer.adjoint(delta)), rtol=1e-12, atol=1e-12
        )

    @parameterized.named_parameters(*NAMED_LAYERS)
    def test_weights_start_within_glorots_limit(self, make, in_shape):
        layer = built(make, in_shape)
        limit = math.sqrt(6 / sum(layer.fans))
        self.assertAllInRange(layer.kernel, -limit, limit)
        spread = limit / math.sqrt(3 * tf.size(layer.kernel).numpy())  # of the mean, at one sigma
        self.assertLess(abs(np.mean(layer.kernel)), 5 * spread)
        self.assertGreater(np.abs(layer.kernel).max(), 0.7 * limit)
        if layer.use_bias:
            self.assertAllEqual(layer.bias, tf.zeros_like(layer.bias))

    @parameterized.named_parameters(
        ("dense", Dense(7), (3, 4, 2), (24, 7)),
        ("conv", Conv2D(7, 3, 1), (8, 9, 2), (18, 63)),
        ("conv_strided", Conv2D(7, 4, 2), (8, 9, 2), (32, 112)),
        ("local", LocallyConnected2D(7, 3, 1), (8, 9, 2), (18, 63)),
        ("local_strided", LocallyConnected2D(7, 4, 2), (8, 9, 2), (32, 28)),
    )
    def test_fans_count_the_connections(self, layer, in_shape, fans):
        layer.wire(in_shape)
        self.assertAllEqual(layer.fans, fans)

    @parameterized.named_parameters(*NAMED_LAYERS)
    def test_symbolic_shape_is_the_shape_of_the_output(self, make, in_shape):
        layer = make()
        symbolic = layer(keras.Input(in_shape)).shape
        self.assertEqual(symbolic, layer.compute_output_shape((None, *in_shape)))
        self.assertEqual(make().compute_output_shape((None, *in_shape)), symbolic)
        self.assertEqual(layer(normal(3, *in_shape)).shape, (3, *symbolic[1:]))

    @parameterized.named_parameters(*ONE_OF_EACH)
    def test_config_round_trip(self, make, in_shape):
        layer = built(make, in_shape)
        copy = type(layer).from_config(layer.get_config())
        copy.build((None, *in_shape))
        self.assertEqual(copy.get_config(), layer.get_config())
        copy.set_weights(layer.get_weights())
        x = normal(3, *in_shape)
        self.assertAllEqual(layer(x), copy(x))

    @parameterized.named_parameters(*ONE_OF_EACH)
    def test_learns_in_a_sequential_and_is_the_same_when_loaded(self, make, in_shape):
        model = keras.Sequential([keras.Input(in_shape), make(), Dense(3)])
        model.compile("sgd", "mse")
        x, before = normal(6, *in_shape), model.get_weights()
        model.fit(x, normal(6, 3), verbose=0)
        for old, new in zip(before, model.get_weights(), strict=True):
            self.assertNotAllEqual(old, new)
        loaded = saved_and_loaded(self, model)
        self.assertAllEqual(model.predict(x, verbose=0), loaded.predict(x, verbose=0))
        self.assertEqual(len(model.weights), len(loaded.weights))
        for weight, other in zip(model.weights, loaded.weights, strict=True):
            self.assertAllEqual(weight, other)

    @parameterized.named_parameters(*ONE_OF_EACH)
    def test_mixed_precision_multiplies_in_bfloat16_and_keeps_float32(self, make, in_shape):
        layer = built(make, in_shape, dtype="mixed_bfloat16")
        x = normal(3, *in_shape)
        self.assertEqual(layer(x).dtype, tf.float32)
        self.assertEqual(layer.adjoint(layer(x)).dtype, tf.float32)
        self.assertEqual([w.dtype for w in layer.weights], ["float32", "float32"])
        exact = built(make, in_shape)
        exact.set_weights(layer.get_weights())
        self.assertAllClose(layer(x), exact(x), atol=0.05)  # 8 bits of mantissa
        self.assertNotAllEqual(layer(x), exact(x))

    def test_a_layer_without_geometry_or_linear_part_is_not_implemented(self):
        with self.assertRaises(NotImplementedError):
            Affine().wire((3,))
        with self.assertRaises(NotImplementedError):
            Affine().linear(None, None)
