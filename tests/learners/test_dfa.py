"""Direct feedback alignment."""

import rules
import tensorflow as tf

from tp_keras import architectures


class DFATest(tf.test.TestCase):
    def test_with_one_hidden_layer_is_fa(self):
        network = architectures.build((7, 5, 2), classes=5, dense=[6], dtype="float64")
        fa, dfa = rules.compiled("fa", network), rules.compiled("dfa", network)
        dfa.B[1].kernel.assign(fa.B[2].kernel)
        x, y = rules.batch(dtype="float64")
        self.assertAllEqual(
            rules.forward_gradients(fa, x, y)[0], rules.forward_gradients(dfa, x, y)[0]
        )

    def test_top_hidden_layer_with_tied_weights_has_bps_error(self):
        network = rules.local_network("float64")
        dfa, bp = rules.learner("dfa", network), rules.learner("bp", network)
        dfa.B[3].tie(network.f[4])
        x, y = rules.batch(dtype="float64")
        a, h = network.activations(x)
        self.assertAllClose(bp.deltas(a, h, y)[3], dfa.deltas(a, h, y)[3])

    def test_feedback_reaches_every_hidden_layer_from_the_classes(self):
        dfa = rules.learner("dfa")
        shapes = {l: B(tf.zeros((2, 5))).shape for l, B in dfa.B.items()}
        self.assertEqual(shapes, {1: (2, 4, 3, 3), 2: (2, 2, 2, 4), 3: (2, 6)})
        self.assertEqual([w for B in dfa.B.values() for w in B.trainable_variables], [])
