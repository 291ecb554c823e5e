"""Model.fit on many devices and hosts, with many steps in one call."""

import types

import tensorflow as tf


class DistributedFit:
    """Mixin for `keras.Model` that corrects what Keras 3.15 does wrongly in `fit`.

    Stock `fit` fails under `MultiWorkerMirroredStrategy`, and under `MirroredStrategy` with
    `steps_per_execution` above 1; and where a dataset's length is unknown it runs a ghost step
    after the last batch. Here a step is a graph that takes a batch, not an iterator.
    """

    _epoch_length = None

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Notes how long an epoch is; stock Keras builds from a batch here, which is then lost."""
        if iterator is not None and self._epoch_length is None:
            self._epoch_length, self._epoch_steps = iterator.num_batches, 0

    def _one_step(self, step):
        strategy = self.distribute_strategy

        @tf.autograph.experimental.do_not_convert
        def on_replicas(batch):
            logs = strategy.run(step, args=(batch,))
            mean = tf.distribute.ReduceOp.MEAN
            return tf.nest.map_structure(lambda v: strategy.reduce(mean, v, axis=None), logs)

        if self.run_eagerly:
            return on_replicas
        return tf.function(on_replicas, reduce_retracing=True, jit_compile=self.jit_compile)

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            one_step, steps = self._one_step(self.train_step), self.steps_per_execution

            @tf.function(reduce_retracing=True)
            def many_steps(iterator, count):
                for _ in tf.range(count - 1):
                    one_step(iterator.get_next())
                return one_step(iterator.get_next())

            def up_to_steps(iterator):
                if isinstance(iterator, types.GeneratorType):  # of `train_on_batch`
                    return one_step(next(iterator))
                if not self._epoch_length:
                    raise ValueError(
                        "`steps_per_epoch` must be given where steps_per_execution is above 1 and "
                        f"the data does not know its length, received {self._epoch_length}"
                    )
                # The last call of an epoch takes the steps that are left
                count = min(steps, self._epoch_length - self._epoch_steps)
                self._epoch_steps = (self._epoch_steps + count) % self._epoch_length
                return many_steps(iterator, tf.constant(count))

            def single_step(iterator):
                return one_step(next(iterator))

            self.train_function = up_to_steps if steps > 1 else single_step
        return self.train_function

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            one_step, steps = self._one_step(self.test_step), self.steps_per_execution

            def up_to_steps(iterator):
                logs = None
                for _ in range(steps):
                    try:
                        batch = next(iterator)
                    except (StopIteration, tf.errors.OutOfRangeError):
                        break
                    logs = one_step(batch)
                if logs is None:
                    raise StopIteration
                return logs

            self.test_function = up_to_steps
        return self.test_function

    def fit(self, *args, **kwargs):
        self._epoch_length = None
        return super().fit(*args, **kwargs)
