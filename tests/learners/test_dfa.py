"""Direct feedback alignment."""

import numpy as np
import rules
import tensorflow as tf
from saving import saved_and_loaded

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
        record = rules.record(network, x)
        self.assertAllClose(bp.errors(record, y)[3], dfa.errors(record, y)[3])

    def test_feedback_reaches_every_hidden_layer_from_the_classes(self):
        dfa = rules.learner("dfa")
        shapes = {l: B(tf.zeros((2, 5))).shape for l, B in dfa.B.items()}
        self.assertEqual(shapes, {1: (2, 4, 3, 3), 2: (2, 2, 2, 4), 3: (2, 6)})
        self.assertEqual([w for B in dfa.B.values() for w in B.trainable_variables], [])

    def test_seeded_feedback_gives_the_update_of_a_stored_matrix_of_its_seed(self):
        network = rules.local_network()
        seeded = rules.compiled("dfa", network, feedback_storage="seeded", seed=4)
        stored = rules.compiled("dfa", network)
        for l, B in stored.B.items():
            B.kernel.assign(tf.transpose(seeded.B[l].matrix()))
        x, y = rules.batch()
        pairs = [rules.forward_gradients(dfa, x, y) for dfa in (seeded, stored)]
        for one, other in zip(*pairs, strict=True):
            self.assertAllClose(one, other, atol=1e-6)

    def test_seeded_feedback_has_no_weight_and_another_matrix_for_each_seed(self):
        one, other = (rules.learner("dfa", feedback_storage="seeded", seed=s) for s in (1, 2))
        self.assertEqual([w for B in one.B.values() for w in B.weights], [])
        for l, B in one.B.items():
            self.assertNotAllEqual(B.matrix(), other.B[l].matrix())

    def test_bfloat16_feedback_is_the_rounded_float32_one(self):
        network = rules.local_network()
        rounded = rules.learner("dfa", network, feedback_storage="stored_bfloat16")
        exact = rules.learner("dfa", network)
        for l, B in exact.B.items():
            rounded.B[l].kernel.assign(B.kernel)
        x, y = rules.batch()
        record = rules.record(network, x)
        expected = exact.errors(record, y)
        for l, delta in rounded.errors(record, y).items():
            self.assertEqual(delta.dtype, tf.float32)
            # bfloat16 keeps eight binary digits of the kernel, of delta[L] and of the product
            limit = 0.02 * np.max(np.abs(expected[l]))
            self.assertAllClose(expected[l], delta, atol=limit)
        self.assertEqual({B.kernel.dtype for B in rounded.B.values()}, {"bfloat16"})

    def test_every_storage_is_saved_and_trains_on_as_before(self):
        x, y = rules.batch()
        for storage in ("stored_bfloat16", "seeded"):
            learner = rules.compiled("dfa", feedback_storage=storage, seed=3)
            learner.train_on_batch(x, y)
            loaded = saved_and_loaded(self, learner)
            for model in (learner, loaded):
                model.train_on_batch(x, y)
            for old, new in zip(learner.weights, loaded.weights, strict=True):
                self.assertAllEqual(old, new)

    def test_unknown_storage_is_refused(self):
        message = "`feedback_storage` must be one of stored, .*, received 'none'"
        with self.assertRaisesRegex(ValueError, message):
            rules.learner("dfa", feedback_storage="none")
