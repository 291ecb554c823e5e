"""What TensorBoard's HParams view is told of a search."""

import tensorflow as tf
from tensorboard.plugins.hparams import api

from tp_keras.experiment.run_directory import writing


def show(folder, domains, unit: str) -> None:
    """Writes the domains for the HParams view; every trial is a session of it."""
    if any(folder.glob("*tfevents*")):
        return
    # TensorBoard shows the first columns alone, until one asks for more
    first = sorted(domains.items(), key=lambda item: not item[0].endswith("learning_rate"))
    intervals = {name: interval(domain) for name, domain in first}
    with writing(folder), tf.summary.create_file_writer(str(folder)).as_default():
        api.hparams_config(
            hparams=[api.HParam(name, interval) for name, interval in intervals.items()],
            metrics=[api.Metric(f"error ({unit})/test", display_name=f"test error ({unit})")],
        )


def interval(domain):
    """What TensorBoard calls a domain; None where it has no name for one, as for lists."""
    if not hasattr(domain, "choices"):
        return api.RealInterval(domain.low, domain.high)
    kinds = {type(choice) for choice in domain.choices}
    plain = len(kinds) == 1 and kinds <= {bool, int, float, str}
    return api.Discrete(domain.choices) if plain else None
