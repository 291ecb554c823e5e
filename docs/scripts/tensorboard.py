"""Makes docs/pictures/tensorboard.png: two short runs in TensorBoard, as a browser shows them.

    python docs/scripts/tensorboard.py     # pip install -e ".[docs]"; chromium on the PATH

Runs, TensorBoard and browser use a temporary folder and the loopback address alone.
"""

import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PICTURE = pathlib.Path(__file__).parents[1] / "pictures/tensorboard.png"
VIEW = "darkMode=false&smoothing=0&tagFilter=%5E(error%7Closs%7Cof%20layers%3A%20angle)"
SMALL = ("build.dense = [64]", "data.load.validation_examples = 500")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def train(folder: str, seed: int) -> None:
    bindings = [*SMALL, "train.callbacks = [@Diagnostics]"]
    command = [sys.executable, "-m", "tp_keras.train", "--gin_file=gin/quickstart.gin"]
    command += ["--epochs=6", f"--seed={seed}", f"--run_dir={folder}/quickstart/{seed}"]
    subprocess.run([*command, *(f"--gin_bindings={line}" for line in bindings)], check=True)


def photograph(address: str, browser: str, folder: str) -> None:
    """Writes the picture, without the menu at the right of TensorBoard's window."""
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    # Without WebGL TensorBoard draws its lines as SVG, which a headless browser shows
    command += ["--disable-3d-apis", "--window-size=1440,1000", "--virtual-time-budget=60000"]
    command += [f"--user-data-dir={folder}/profile", f"--screenshot={folder}/picture.png"]
    subprocess.run([*command, address], check=True, stderr=subprocess.DEVNULL, timeout=300)

    import matplotlib.image

    pixels = matplotlib.image.imread(f"{folder}/picture.png")
    matplotlib.image.imsave(PICTURE, pixels[:, :1180])


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for(address: str) -> None:
    """Returns once something answers there."""
    for _ in range(120):
        try:
            urllib.request.urlopen(address, timeout=5)
        except (urllib.error.URLError, TimeoutError):
            time.sleep(1)
        else:
            return
    sys.exit(f"no answer from {address}")


def main():
    browser = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"needs a browser, one of {', '.join(CHROMIUM)}")
    with tempfile.TemporaryDirectory() as folder:
        for seed in (0, 1):
            train(folder, seed)
        address = f"http://127.0.0.1:{free_port()}/"
        port = address.rpartition(":")[2].strip("/")
        # Not the executable of that name: a virtual environment that is not active has it too
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", folder]
        command += ["--host", "127.0.0.1", "--port", port, "--load_fast=false"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(address)
            time.sleep(10)  # until it has read the runs
            photograph(f"{address}?{VIEW}#timeseries", browser, folder)
        finally:
            server.terminate()
            server.wait()
    print(f"{PICTURE} ({PICTURE.stat().st_size // 1024} kB)")


if __name__ == "__main__":
    main()
