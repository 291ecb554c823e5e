"""The stack of layers."""

import numpy as np
import rules
import tensorflow as tf
from saving import saved_and_loaded

from tp_keras import Network
from tp_keras.layers import Dense


class NetworkTest(tf.test.TestCase):
    def test_activations_are_numbered_as_in_the_paper(self):
        network = rules.local_network()
        x, _ = rules.batch()
        record = rules.record(network, x)
        a, h = record.a, record.h
        self.assertEqual((sorted(a), sorted(h)), ([1, 2, 3, 4], [0, 1, 2, 3, 4]))
        self.assertAllEqual(x, h[0])
        for l, f in network.f.items():
            self.assertAllEqual(f.activation(a[l]), h[l])
            self.assertAllClose(f(h[l - 1]), h[l], atol=1e-6)
        self.assertAllClose(network(x), h[network.depth], atol=1e-6)

    def test_no_gradient_crosses_from_layer_to_layer(self):
        network = rules.local_network()
        record = rules.record(network, rules.batch()[0])
        for l in network.f:
            for k, f in network.f.items():
                found = record.tape.gradient(record.h[l], [f.kernel.value, f.bias.value])
                self.assertEqual([g is not None for g in found], [l == k] * 2, (l, k))

    def test_saved_and_loaded_it_computes_the_same(self):
        network = rules.local_network()
        loaded = saved_and_loaded(self, network)
        for f, other in zip(network.stack, loaded.stack, strict=True):
            self.assertEqual(f.get_config(), other.get_config())
        x, _ = rules.batch()
        self.assertAllEqual(network(x), loaded(x))

    def test_needs_a_layer(self):
        with self.assertRaisesRegex(ValueError, "`layers` must hold at least one layer"):
            Network([], (3,))
        for layers in (None, Dense(3), ["x"], [None], [Dense]):
            with self.assertRaisesRegex(ValueError, "`layers` must hold .*, received"):
                Network(layers, (3,))
        for shape in (None, 3, "x", (0,), (-1,), (1.5,), (True,)):
            with self.assertRaisesRegex(ValueError, "`in_shape` must be a tuple .*, received"):
                Network([Dense(3)], shape)

    def test_a_built_layer_keeps_its_weights(self):
        layer = Dense(3)
        layer.build((None, 4))
        kernel = layer.kernel.numpy()
        self.assertAllEqual(kernel, Network([layer, Dense(2)], (4,)).f[1].kernel)


def test_the_output_from_any_layer_is_that_of_the_whole_pass():
    network = rules.local_network()
    record = network.record(rules.batch()[0])
    for l in range(network.depth):
        np.testing.assert_array_equal(network.output_from(l, record.h[l]), record.a[network.depth])
        assert np.any(network.output_from(l, record.h[l] + 1) != record.a[network.depth])
