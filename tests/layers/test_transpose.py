"""The backward layer of every layer."""

import math

import keras
import tensorflow as tf
from absl.testing import parameterized
from affine_layers import NAMED_LAYERS, ONE_OF_EACH, built, normal
from saving import saved_and_loaded

from tp_keras.layers import Dense, Transpose
from tp_keras.layers.transpose import difference


class TransposeTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*NAMED_LAYERS)
    def test_tied_is_the_adjoint(self, make, in_shape):
        layer = built(make, in_shape, dtype="float64")
        back = Transpose(layer)
        back.build((None, *layer.out_shape))
        y = normal(3, *layer.out_shape, dtype="float64")
        self.assertNotAllClose(layer.adjoint(y), back(y))
        back.tie(layer)
        self.assertAllClose(layer.adjoint(y), back(y), rtol=1e-12, atol=1e-12)

    @parameterized.named_parameters(*NAMED_LAYERS)
    def test_its_initial_weights_and_shapes_are_those_of_its_layer(self, make, in_shape):
        layer = built(make, in_shape)
        back = Transpose(layer, activation="tanh", use_bias=True)
        self.assertEqual(back(keras.Input(layer.out_shape)).shape, (None, *in_shape))
        self.assertEqual(sorted(back.kernel.shape), sorted(layer.kernel.shape))
        self.assertEqual(back.bias.shape, in_shape)
        limit = math.sqrt(6 / sum(layer.fans))
        self.assertAllInRange(back.kernel, -limit, limit)
        self.assertGreater(tf.reduce_max(tf.abs(back.kernel)), 0.7 * limit)

    @parameterized.named_parameters(*ONE_OF_EACH)
    def test_activation_and_bias_come_after_the_adjoint(self, make, in_shape):
        layer = built(make, in_shape)
        back = Transpose(layer, activation="tanh", use_bias=True)
        back.build((None, *layer.out_shape))
        back.tie(layer)
        back.bias.assign(normal(*in_shape, seed=2))
        y = normal(3, *layer.out_shape)
        self.assertAllClose(tf.tanh(layer.adjoint(y) + back.bias), back(y), atol=1e-6)

    @parameterized.product(layer=ONE_OF_EACH, activation=("tanh", "linear"))
    def test_difference_is_that_of_the_outputs(self, layer, activation):
        _, make, in_shape = layer
        layer = built(make, in_shape, dtype="float64")
        back = Transpose(layer, activation=activation, use_bias=True)
        back.build((None, *layer.out_shape))
        back.bias.assign(normal(*in_shape, seed=2))
        y, z = (normal(3, *layer.out_shape, dtype="float64", seed=seed) for seed in (3, 4))
        self.assertAllClose(back(y) - back(z), difference(back, y, z), rtol=1e-12, atol=1e-12)

    @parameterized.named_parameters(*ONE_OF_EACH)
    def test_autoencoder_learns_and_is_the_same_when_loaded(self, make, in_shape):
        layer = make()
        x = keras.Input(in_shape)
        code = layer(x)
        back = Transpose(layer, activation="tanh", use_bias=True)
        model = keras.Model(x, back(code))
        model.compile("sgd", "mse")
        images = normal(6, *in_shape)
        before = back.get_weights()
        model.fit(images, images, verbose=0)
        for old, new in zip(before, back.get_weights(), strict=True):
            self.assertNotAllEqual(old, new)
        loaded = saved_and_loaded(self, model)
        self.assertAllEqual(model.predict(images, verbose=0), loaded.predict(images, verbose=0))
        for weight, other in zip(model.weights, loaded.weights, strict=True):
            self.assertAllEqual(weight, other)

    @parameterized.named_parameters(*ONE_OF_EACH)
    def test_config_round_trip(self, make, in_shape):
        back = Transpose(make(), in_shape, "tanh", use_bias=True)
        copy = Transpose.from_config(back.get_config())
        self.assertEqual(back.get_config(), copy.get_config())

    def test_owns_weights_and_none_of_its_layers(self):
        layer = built(lambda: Dense(5), (11,))
        back = Transpose(layer)
        back.build((None, 5))
        self.assertEqual([w.name for w in back.weights], ["kernel"])
        self.assertIsNot(back.kernel, layer.kernel)
        self.assertNotAllEqual(back.kernel, layer.kernel)

    def test_unbuilt_layer_needs_its_input_shape(self):
        with self.assertRaisesRegex(ValueError, "`in_shape` must be given .*, received None"):
            Transpose(Dense(5))
