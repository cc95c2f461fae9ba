"""The commands that the README and the documents take numbers from, each as a reader would type it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PICTURES", "RUNS", "Run"]


@dataclass(frozen=True)
class Run:
    """A command, run in a folder that has the public data (HD_PLUGIN_DATA) and what earlier commands wrote.

    needs : "data", "torch", "timeloop", "hours" (done by hand, on a machine that is left alone), or a program
    on the PATH. after : the runs whose files it reads.
    """

    command: str
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


_DIRECT = "python -m benchmarks.numbers._direct"
_MOBILENET = "mobilenet_v2_1.0_224_quant.tflite --spec mobilenet_v2_table5"
_ROUNDED = " ".join(f"--trained rounded/mu-{mu}/network.npz" for mu in ("0.7", "2", "5"))
_SEARCHED = "--method direct --method segment --method cluster"
_RESNET20 = "resnet20_cifar10_w4_baseline"
_TRAINED = "--trained resnet20_cifar10_w4_paper --trained resnet20_cifar10_w4_trellis"
_PLANS = f"hd-plugin optimize {_MOBILENET} --objective energy"
_GATES = "--method cluster --energy simulated --technology"
_MACS = "--mac binary,tree,exact,truncated:22,booth2_8ux4_13 --technology sg13g2 --method cluster"
_OWN_MACS = f"{_MACS} --objective energy"
_SCORED = "--per-channel --model resnet20 --calibrate cifar10_train_a.zip --test cifar10_test.zip"
_EVALUATED = f"hd-plugin encode evaluate resnet20-12fca82f.th --bits 8 {_SCORED}"
_TRUNCATED = f"{_EVALUATED} --encoding truncated:36 --threads 1"
_ENCODED = f"{_EVALUATED} --encoding booth4_8ux8_22 --encoding truncated:36 --threads 1"
_TUNED = "--finetune cifar10_train_a.zip --tuning-images 6400"
_IMAGES = ("data", "torch")
_TH = "resnet20-12fca82f.th --per-channel --model resnet20"

RUNS = {
    # flips and the straight line
    "mobilenet": Run(f"hd-plugin compare {_MOBILENET} -o mobilenet/", ("data",)),
    "mobilenet_greedy": Run(f"hd-plugin compare {_MOBILENET} --effort greedy --no-studies", ("data",)),
    "mobilenet_bounds": Run(f"hd-plugin optimize {_MOBILENET} --method segment --bound", ("data",)),
    "resnet20": Run(f"hd-plugin compare {_RESNET20} {_TRAINED} --no-studies"),
    "mobilenet_035": Run(
        "hd-plugin compare mobilenet_v2_035_cifar10_w4_baseline "
        "--trained mobilenet_v2_035_cifar10_w4_trellis --no-studies"
    ),
    "planes": Run(f"{_DIRECT} planes"),
    "models": Run(f"{_DIRECT} models"),
    "speeds": Run(f"{_DIRECT} speeds"),
    "cards": Run(f"{_DIRECT} cards"),
    "scaling": Run(f"{_DIRECT} scaling"),
    "library": Run("accelergy on the examples of docs/accelergy.md, with its library", ("timeloop", "hours")),
    "resnet20_direct": Run("hd-plugin optimize resnet20_cifar10_w4 --method direct"),
    "rewrite": Run(
        "hd-plugin rewrite resnet20_cifar10_w4 --model resnet20 --test cifar10_test.zip", ("data", "torch")
    ),
    # energy at gate level
    "gates_sg13g2": Run(
        f"hd-plugin compare {_MOBILENET} --energy simulated --technology sg13g2 -o gates/", ("data",)
    ),
    "gates_hd_generic45": Run(
        f"hd-plugin compare {_MOBILENET} --energy simulated --technology hd_generic45", ("data",)
    ),
    "plans_sg13g2_segment": Run(f"{_PLANS} --technology sg13g2 --method segment", ("data",)),
    "plans_sg13g2_cluster": Run(f"{_PLANS} --technology sg13g2 --method cluster", ("data",)),
    "plans_hd_generic45_cluster": Run(f"{_PLANS} --technology hd_generic45 --method cluster", ("data",)),
    "plans_sg13g2_linear": Run(
        f"{_PLANS} --technology sg13g2 --method segment --activations linear", ("data",)
    ),
    "plans_images": Run(
        "hd-plugin optimize mobilenet_v2_035_cifar10_w4_baseline --objective energy --technology sg13g2 "
        "--method segment --model mobilenet_v2_035 --calibrate cifar10_test.zip",
        ("data", "torch"),
    ),
    "rounded": Run(f"hd-plugin round {_MOBILENET} --mu 0.7 --mu 2 --mu 5 -o rounded/", ("data",)),
    "rounded_sg13g2": Run(
        f"hd-plugin compare {_MOBILENET} {_ROUNDED} {_GATES} sg13g2", ("data",), ("rounded",)
    ),
    "rounded_hd_generic45": Run(
        f"hd-plugin compare {_MOBILENET} {_ROUNDED} {_GATES} hd_generic45", ("data",), ("rounded",)
    ),
    "resnet20_sg13g2": Run(f"hd-plugin compare {_RESNET20} {_TRAINED} {_GATES} sg13g2"),
    "resnet20_hd_generic45": Run(f"hd-plugin compare {_RESNET20} {_TRAINED} {_GATES} hd_generic45"),
    "resnet20_energy_sg13g2": Run(
        f"hd-plugin compare {_RESNET20} --trained resnet20_cifar10_w4_trellis {_GATES} sg13g2 "
        "--objective energy"
    ),
    "resnet20_energy_hd_generic45": Run(
        f"hd-plugin compare {_RESNET20} --trained resnet20_cifar10_w4_trellis {_GATES} hd_generic45 "
        "--objective energy"
    ),
    # encodings
    "macs_resnet20": Run(f"hd-plugin compare {_RESNET20} {_OWN_MACS} -o macs/"),
    "macs_resnet20_trellis": Run(f"hd-plugin compare resnet20_cifar10_w4_trellis {_MACS}"),
    "flip_costs": Run(f"{_DIRECT} flip_costs"),
    "macs_mobilenet_035": Run(f"hd-plugin compare mobilenet_v2_035_cifar10_w4_baseline {_OWN_MACS}"),
    "encode_tuned_exact": Run(f"{_ENCODED} {_TUNED} --gradient exact -o tuned_exact/", _IMAGES),
    "encode_tuned_long": Run(f"{_TRUNCATED} --finetune cifar10_train_a.zip -o tuned_long/", _IMAGES),
    "encode_tuned_table": Run(f"{_TRUNCATED} {_TUNED} --gradient table -o tuned_table/", _IMAGES),
    "encode_resnet20_w4": Run(
        f"hd-plugin encode evaluate resnet20_cifar10_w4_baseline {_SCORED} --encoding truncated:22 "
        "--encoding booth2_8ux4_13 --bound 1 --threads 1 -o encoded4/",
        _IMAGES,
    ),
    "encode_resnet20": Run(f"{_ENCODED} -o encoded/", _IMAGES),
    "encodings": Run(f"{_DIRECT} encodings", ("data",)),
    "encoding_areas": Run(f"{_DIRECT} encoding_areas", ("data",)),
    # rounding without training
    "round_resnet20": Run(
        f"hd-plugin round {_TH} --mu 0 --mu 0.5 --mu 1 --mu 2 --calibrate cifar10_train_a.zip "
        "--test cifar10_test.zip",
        ("data", "torch"),
    ),
    "round_uniform": Run(f"hd-plugin round {_TH} --mu 0.2 --test cifar10_test.zip", ("data", "torch")),
    # the proof
    "mobilenet_plans": Run(f"hd-plugin optimize {_MOBILENET} {_SEARCHED} -o mobilenet_plans/", ("data",)),
    "verify_mobilenet": Run(
        f"hd-plugin verify {_MOBILENET} --plan mobilenet_plans/ --simulator verilator --all-tiles",
        ("data", "verilator"),
        ("mobilenet_plans",),
    ),
    "verify_mobilenet_integers": Run(
        f"hd-plugin verify {_MOBILENET} --plan mobilenet_plans/ --simulator none",
        ("data",),
        ("mobilenet_plans",),
    ),
    # by hand: hours, other people's libraries, or programs that few have; the record keeps what was found
    "train_resnet20": Run(
        "hd-plugin train resnet20 --data cifar10_train_a.zip --data cifar10_train_b.zip "
        "--test cifar10_test.zip --start resnet20-12fca82f.th --epochs 6 --method trellis --strength 1.5 "
        "--strength 3 --strength 3.5 --strength 4 --strength 6 -o runs/; the same with --method paper "
        "--strength 0.035 --strength 0.05 --strength 0.1",
        ("hours",),
    ),
    "train_mobilenet": Run(
        "python examples/train_mobilenet.py --small --float-epochs 8 --epochs 4 --strength 1.5 --data FOLDER "
        "-o DIR",
        ("hours",),
    ),
    "round_nearest": Run(
        f"hd-plugin round {_TH} --mu 0 --calibrate cifar10_train_a.zip --no-feedback --test cifar10_test.zip",
        ("data", "torch"),
    ),
    "verify_resnet26": Run(
        "hd-plugin verify resnet26_cifar100.pth --spec resnet26_cifar100 --simulator verilator --all-tiles",
        ("hours",),
    ),
    "synthesis": Run(
        "hd-plugin characterize --technology sg13g2 -o DIR, and tests/test_array_gates.py", ("hours",)
    ),
    "install": Run("pip install . into a fresh environment, and du", ("hours",)),
    "sky130": Run(
        "hd-plugin characterize --liberty sky130_fd_sc_hd__tt_025C_1v80.lib -o sky130/", ("hours",)
    ),
    "inputs": Run(
        "the model of sg13g2 against simulation on layers with constant inputs, six layers", ("hours",)
    ),
    "timeloop": Run(f"{_DIRECT} timeloop", ("timeloop",)),
    "timeloop_networks": Run(
        "hd-plugin compare mobilenet_v2_1.0_224_quant.tflite --spec mobilenet_v2_table5 --engine timeloop "
        "--mapping paper -o DIR, from an empty cache and again; the same with --mapping mapper",
        ("timeloop", "hours"),
    ),
}

# pictures of the texts: the run that draws each, and its file there
PICTURES = {
    "docs/images/reduction.png": ("mobilenet", "mobilenet/plots/reduction.png"),
    "docs/images/macs.png": ("macs_resnet20", "macs/plots/macs.png"),
    "docs/images/figure3_sg13g2.png": ("gates_sg13g2", "gates/plots/figure3.png"),
}
