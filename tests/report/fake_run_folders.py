"""Run folders as a finished run leaves them, with made-up numbers."""

import csv
import json
import pathlib

import numpy as np

EXAMPLES = {"mnist": 60_000, "cifar10": 50_000, "imagenet2012": 1_281_167}


def write_run(
    folder: pathlib.Path,
    test_errors=(30.0, 20.0, 25.0),
    gin="",
    trial=False,
    validation_errors=None,
    **result,
):
    """Writes a run folder; `result` replaces fields of its `result.json`."""
    folder.mkdir(parents=True)
    test_errors = [float(error) for error in test_errors]
    result = {
        "dataset": "mnist",
        "architecture": "fc",
        "method": "bp",
        "schedule": "",
        "seed": 0,
        "train_examples": EXAMPLES.get(str(result.get("dataset", "mnist")), 5000),
        "epochs": len(test_errors),
        "best_test_error": min(test_errors, default=None),
        "final_test_error": test_errors[-1] if test_errors else None,
        "final_train_error": test_errors[-1] / 2 if test_errors else None,
        "best_epoch": 1,
        "seconds": 1.5,
        "version": "0.1.0",
    } | result
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "operative.gin").write_text(f"seed = {result['seed']}\n{gin}\n")
    write_epochs(folder / "epochs.csv", test_errors, validation_errors, result)
    if trial:
        (folder / "trial.json").write_text("{}")
    return folder


def write_epochs(path: pathlib.Path, test_errors: list[float], validation_errors, result: dict):
    """Writes `epochs.csv`; losses are the errors again, and only odd epochs train inverses."""
    rows = [
        {
            "epoch": epoch,
            "phases": "inverse" if epoch % 2 else "forward",
            "train_loss": error / 2,
            "train_error": error / 2,
            "test_loss": error,
            **({"validation_error": validation_errors[epoch - 1]} if validation_errors else {}),
            "test_error": error,
            "test_top5_error": error / 3,
            "inverse_loss": 0.5 if epoch % 2 else "",
            "seconds": 1.5,
        }
        for epoch, error in enumerate(test_errors, start=1)
    ]
    if "best_test_top5_error" not in result:
        rows = [{k: v for k, v in row.items() if k != "test_top5_error"} for row in rows]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0] if rows else ["epoch"])
        writer.writeheader()
        writer.writerows(rows)


def write_reconstructions(folder: pathlib.Path, seed: int, shape=(3, 28, 28)):
    """Writes an autoencoder's images beside its result; returns inputs and reconstructions."""
    inputs = np.random.default_rng(0).random(shape).astype("float32")
    blurred = 0.5 * inputs + 0.1 * seed
    np.savez(folder / "reconstructions.npz", inputs=inputs, reconstructions=blurred)
    return inputs, blurred


def write_diagnostics(folder: pathlib.Path, angles: dict[tuple[int, int], float]):
    """Writes `diagnostics.csv` with the angle of the error by (epoch, layer)."""
    lines = ["epoch,layer,angle_of_update,angle_of_error,reconstruction_error,distance_to_target"]
    lines += [f"{epoch},{layer},,{angle},," for (epoch, layer), angle in angles.items()]
    (folder / "diagnostics.csv").write_text("\n".join(lines) + "\n")
