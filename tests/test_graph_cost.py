"""The graph of a training step has no more matrix products than its rule needs."""

import rules
import tensorflow as tf
from absl.testing import parameterized

from tp_keras import architectures

SHAPES = {  # two depths: the numbers are linear in L, and do not depend on the widths
    "three_layers": {"input_shape": (4, 3, 1), "dense": [6] * 2},
    "five_layers": {"input_shape": (4, 3, 3), "dense": [7] * 4},
}
# With L layers: activations L, gradients L; beside these BP, FA and DFA have an error for each of
# L - 1 hidden layers; an inverse reads h, the target and the noisy response, which one product
# makes, and has a gradient: 5 for each of L - 1 inverses. TP does not read h. DTP has one inverse
# less, and an adjoint. AO-SDTP makes its features z of h and of the noisy h.
PRODUCTS = {
    "bp": lambda L: 3 * L - 1,
    "fa": lambda L: 3 * L - 1,
    "dfa": lambda L: 3 * L - 1,
    "tp": lambda L: 2 * L + 4 * (L - 1),
    "dtp": lambda L: 2 * L + 5 * (L - 2) + 1,
    "sdtp": lambda L: 2 * L + 5 * (L - 1),
    "ao-sdtp": lambda L: 2 * L + 5 * (L - 1) + 2,
    # Only the output has a gradient
    "frozen": lambda L: L + 1,
    "sign-symmetry": lambda L: 3 * L - 1,
    "kolen-pollack": lambda L: 3 * L - 1,
    # Of L - 1 layers noise is read, and correlated with what comes of it
    "weight-mirror": lambda L: 3 * L - 1 + 2 * (L - 1),
    # Beside DTP's difference: f of noise, g of h, of that and of noise, and their gradients
    "ldrl": lambda L: 2 * L + 9 * (L - 2) + 1,
    "fixed-dtp": lambda L: 2 * L + 2 * (L - 1),
}
CASES = [(f"{shape}_{key}", shape, name) for shape in SHAPES for key, name in rules.NAMED_RULES]


def traced_step(learner, x, y):
    """The graph of one training step."""
    step = tf.function(learner.train_step, autograph=False)
    return step.get_concrete_function((tf.constant(x), tf.constant(y))).graph


def live_operations(graph):
    """The operations that the graph's outputs or its effects on weights depend on."""
    pending = [t.op for t in graph.outputs] + list(graph.control_outputs)
    live = {}
    while pending:
        operation = pending.pop()
        if operation.name not in live:
            live[operation.name] = operation
            pending += [t.op for t in operation.inputs] + list(operation.control_inputs)
    return list(live.values())


def products(learner, input_shape):
    """How many matrix products a training step takes."""
    x, y = rules.batch(6, input_shape, classes=10)
    operations = live_operations(traced_step(learner, x, y))
    return sum(operation.type in ("MatMul", "BatchMatMulV2") for operation in operations)


class GraphCostTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(*CASES)
    def test_step_takes_the_least_number_of_products(self, shape, name):
        network = architectures.build(classes=10, **SHAPES[shape])
        learner = rules.compiled(name, network)
        self.assertEqual(
            products(learner, SHAPES[shape]["input_shape"]), PRODUCTS[name](network.depth)
        )

    @parameterized.named_parameters(*[(shape, shape) for shape in SHAPES])
    def test_a_linear_inverse_takes_one_product_less(self, shape):
        """One product is enough for the difference of its two outputs."""
        network = architectures.build(classes=10, **SHAPES[shape])
        learner = rules.compiled("sdtp", network, inverse_activation="linear")
        expected = PRODUCTS["sdtp"](network.depth) - (network.depth - 1)
        self.assertEqual(products(learner, SHAPES[shape]["input_shape"]), expected)


if __name__ == "__main__":
    tf.test.main()
