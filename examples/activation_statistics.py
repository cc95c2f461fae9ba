"""Where hd_plugin/hardware/activations.json comes from: 8-bit inputs of real layers, counted by value.

    python examples/activation_statistics.py cifar10_test.zip > hd_plugin/hardware/activations.json

Runs the bundled ResNet-20 and MobileNetV2 x0.35 on 200 images. Each layer's inputs are rounded to unsigned
8 bits with a step and a zero point of its own, as TensorFlow Lite does; "relu" are layers without negative
inputs, "linear" the others, which sit around the zero point.
"""

import json
import sys

import numpy as np

from hd_plugin.training.calibrate import watch_inputs
from hd_plugin.training.data import load_images
from hd_plugin.training.models import make_model
from hd_plugin.training.saved import load_into
from hd_plugin.weights import locate

IMAGES, SHARE = 200, 20_000  # values of each layer that count: every layer weighs the same
NETWORKS = {
    "resnet20": "resnet20_cifar10_w4_baseline",
    "mobilenet_v2_035": "mobilenet_v2_035_cifar10_w4_baseline",
}


def main() -> None:
    pixels, _, classes = load_images(sys.argv[1])
    counts = {"relu": np.zeros(256, np.int64), "linear": np.zeros(256, np.int64)}
    layers = dict.fromkeys(counts, 0)
    rng = np.random.default_rng(0)

    def see(_name, _module, x) -> None:
        x = x.numpy().ravel()
        low, high = min(float(x.min()), 0.0), max(float(x.max()), 1e-9)
        step = (high - low) / 255
        kind = "linear" if low < 0 else "relu"
        chosen = rng.choice(x, SHARE)
        counts[kind] += np.bincount(
            (np.rint(chosen / step) + np.rint(-low / step)).clip(0, 255).astype(np.int64), minlength=256
        )
        layers[kind] += 1

    for name, network in NETWORKS.items():
        watch_inputs(load_into(make_model(name, len(classes)), locate(network)), pixels[:IMAGES], IMAGES, see)
    source = (
        f"inputs of {layers['relu']} relu and {layers['linear']} linear layers of the bundled "
        f"{' and '.join(NETWORKS.values())} for {IMAGES} images of the CIFAR-10 test set, "
        "8 bits unsigned (examples/activation_statistics.py)"
    )
    print(json.dumps({"source": source, **{k: v.tolist() for k, v in counts.items()}}))


if __name__ == "__main__":
    main()
