"""What a batch leaves behind in a network, and the ways back down."""

import tensorflow as tf

from tp_keras.layers.affine import Affine


class Record:
    """The activations of a batch, and what errors of them amount to.

    No gradient crosses from one block to the next: an error of h[l] moves block l alone.

    Args:
      network: The `Network`.
      tape: The persistent tape that watched it run.
      inputs: What block l read, by number, 1..L.
      a: Pre-activations of the affine blocks, and of the last block what the loss reads: its
        pre-activation where it ends in a softmax or sigmoid, else its output.
      h: Activations, 0..L.
      losses: The layers' own losses, such as regularisers.

    Attributes:
      sample_weight: A weight for each example, `(batch,)`, or None.
      scale: What an example's error is multiplied by in the end: 1 over the examples of the global
        batch in a training step, 1 elsewhere.
    """

    def __init__(self, network, tape, inputs, a, h, losses):
        self.network, self.tape, self.losses = network, tape, losses
        self.inputs, self.a, self.h = inputs, a, h
        self.sample_weight, self.scale = None, 1.0
        self._deltas, self._own = {}, {}

    @property
    def examples(self):
        """How many examples this replica's batch has, in the outputs' dtype."""
        output = self.h[self.network.depth]
        return tf.cast(tf.shape(output)[0], output.dtype)

    def scaled(self, error):
        """Multiplies the error of each example by its weight and by the batch's scale."""
        error = error * like(self.scale, error.dtype)
        return error if self.sample_weight is None else error * _beside(self.sample_weight, error)

    def below(self, l, error, B=None):
        """Returns the error of h[l-1] that an error of h[l] amounts to.

        Args:
          l: Number of the block, 2..L.
          error: Error of h[l]; of a[L] where l is L.
          B: What stands in place of A^T in an affine block: a function of the error of a[l]. None
            is the block's own gradient.
        """
        if B is not None:
            return B(self.delta(l, error))
        if isinstance(self.network.f[l], Affine):
            return self.tape.gradient(self.a[l], self.inputs[l], self.delta(l, error))
        # With the gradients of its own weights, or the errors inside the block would be made twice
        values = [w.value for w in self.network.f[l].trainable_variables]
        down, *own = self.tape.gradient(self._end(l), [self.inputs[l], *values], error)
        self._own[l] = error, own
        return down

    def delta(self, l, error):
        """Returns the error of a[l], where block l is affine: sigma'(a[l]) * error."""
        if l == self.network.depth or l not in self.a:
            return error
        if l not in self._deltas or self._deltas[l][0] is not error:
            self._deltas[l] = error, self.tape.gradient(self.h[l], self.a[l], error)
        return self._deltas[l][1]

    def gradients(self, errors):
        """Returns what moves the network's trainable variables, in their order.

        The gradient of sum <errors[l], h[l]>, with <errors[L], a[L]> for the topmost, and of the
        layers' own losses; zero in a block without an error.
        """
        weights = self.network.trainable_variables
        known = {l: own for l, (e, own) in self._own.items() if errors.get(l) is e}
        rest = {l: self.delta(l, error) for l, error in errors.items() if l not in known}
        ends = {l: self.a.get(l, self.h[l]) for l in rest}
        found = self.tape.gradient(
            [*ends.values(), *self.losses],
            [w.value for w in weights],
            [*rest.values(), *(self._loss_scale(loss) for loss in self.losses)],
        )
        sums = {id(w): gradient for w, gradient in zip(weights, found, strict=True)}
        for l, own in known.items():
            for weight, gradient in zip(self.network.f[l].trainable_variables, own, strict=True):
                sums[id(weight)] = _sum(sums[id(weight)], gradient)
        for l in self.network.f.keys() - errors.keys():
            for w in self.network.f[l].trainable_variables:
                sums[id(w)] = tf.zeros_like(w.value)
        return [sums[id(w)] for w in weights]

    def _end(self, l):
        return self.a[l] if l == self.network.depth else self.h[l]

    def _loss_scale(self, loss):
        # A layer's own loss is not a mean over examples: it counts once for the batch
        return tf.cast(self.examples, loss.dtype) * like(self.scale, loss.dtype)


def _beside(weight, error):
    """Weights of examples, shaped to multiply what `(batch, ...)` holds of each."""
    return tf.reshape(tf.cast(weight, error.dtype), (-1, *[1] * (len(error.shape) - 1)))


def like(number, dtype):
    """A number that may be multiplied with a tensor of that dtype, a Python one as it is."""
    return tf.cast(number, dtype) if tf.is_tensor(number) else number


def _sum(one, other):
    if one is None or other is None:
        return one if other is None else other
    return one + other
