"""MobileNetV2 of the paper's Table 5 on CIFAR-10 or CIFAR-100, from scratch to 4 bits.

    python examples/train_mobilenet.py --dataset cifar100 --data FOLDER -o runs/ --device cuda
    python examples/train_mobilenet.py --dataset cifar10 --data FOLDER -o runs/ --small    # for a CPU

FOLDER has cifar10_train_a.zip, cifar10_train_b.zip and cifar10_test.zip, or cifar100_train.zip and
cifar100_test.zip. Training goes in pieces of under ten minutes: run the same command again until it prints
the table. Each piece stops in time, and the next one goes on where it stopped. The float network is trained
once; the baseline and every strength start from it.
"""

import argparse
from pathlib import Path

from hd_plugin.cli import main

DATA = {
    "cifar10": (["cifar10_train_a.zip", "cifar10_train_b.zip"], "cifar10_test.zip"),
    "cifar100": (["cifar100_train.zip"], "cifar100_test.zip"),
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dataset", choices=DATA, default="cifar10")
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("-o", "--output", type=Path, required=True)
parser.add_argument("--device", default="cpu")
parser.add_argument("--small", action="store_true", help="width 0.35 and fewer epochs, for a CPU")
parser.add_argument("--minutes", type=float, default=9.0, help="length of a piece")
parser.add_argument("--float-epochs", type=int)
parser.add_argument("--epochs", type=int)
parser.add_argument("--method", default="trellis")
parser.add_argument("--strength", type=float, nargs="*", default=[1.0, 2.0, 4.0])
args, more = parser.parse_known_args()  # further options go to hd-plugin train as they are

train, test = DATA[args.dataset]
float_epochs, epochs = (10, 6) if args.small else (80, 20)
options = {
    "--test": args.data / test,
    "--device": args.device,
    "--minutes": args.minutes,
    "--float-epochs": args.float_epochs or float_epochs,
    "--epochs": args.epochs or epochs,
    "--method": args.method,
    "-o": args.output / f"mobilenet_v2_{args.dataset}{'_small' if args.small else ''}",
}
command = ["train", "mobilenet_v2_035" if args.small else "mobilenet_v2"]
command += [part for option in options.items() for part in option]
command += [part for name in train for part in ("--data", args.data / name)]
command += [part for strength in args.strength for part in ("--strength", strength)]
main([str(part) for part in [*command, *more]])
