"""Input throughput apart from training: `python -m benchmarks.input --data_dir=DIR`.

Prints a row of Markdown for each pipeline: images in a second and, over the processor time that
all threads took, images in a second per core. What is read comes from the operating system's cache
after the first batches, so that the numbers are those of decoding and augmentation, not of a disk.
"""

import argparse
import time

import tensorflow as tf

from tp_keras import data

CIFAR10 = {"name": "cifar10", "batch_size": 64}
AUGMENTED = {"crop_padding": 4, "flip": "left_right"}
IMAGENET = {"name": "imagenet2012", "batch_size": 32, "image_size": 224, "flip": "left_right"}


def throughput(batches: tf.data.Dataset, seconds: float, warm_up: int = 20) -> tuple[float, float]:
    """Images in a second of the clock, and in a second of processor time."""
    iterator = iter(batches)
    for _ in range(warm_up):
        next(iterator)
    images, clock, processor = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - clock < seconds:
        images += len(next(iterator)[1])
    return images / (time.perf_counter() - clock), images / (time.process_time() - processor)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir")
    parser.add_argument("--seconds", type=float, default=10.0, help="time for each pipeline")
    options = parser.parse_args()
    cifar10 = data.load(data_dir=options.data_dir, **CIFAR10)
    augmented = data.load(data_dir=options.data_dir, **CIFAR10, **AUGMENTED)
    imagenet = data.load(data_dir=options.data_dir, **IMAGENET)
    pipelines = {
        "CIFAR-10, training": cifar10.training_batches(),
        "CIFAR-10, training, crops and flips": augmented.training_batches(),
        "ImageNet, training": imagenet.training_batches(),
        "ImageNet, test": imagenet.test_batches().repeat(),
    }
    print("| input | images/s | images/s per core |\n|---|---|---|")
    for name, batches in pipelines.items():
        clock, processor = throughput(batches, options.seconds)
        print(f"| {name} | {clock:.0f} | {processor:.0f} |", flush=True)


if __name__ == "__main__":
    main()
