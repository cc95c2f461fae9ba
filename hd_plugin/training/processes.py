"""Several processes that torch's launcher (torchrun) started to train one network."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as distributed

from hd_plugin.errors import InputError

__all__ = ["agreed", "device_of", "processes", "rank", "summed", "world"]

T = TypeVar("T")


def world() -> int:
    """How many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Which one this is; 0 writes."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def device_of(device: str) -> str:
    """A GPU of its own for each process.

    Raises InputError for a device that torch does not know or cannot use.
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: a torch that was built without CUDA
        raise InputError(
            f"device: {device!r} found; torch cannot use it ({str(error).splitlines()[0]}); use --device cpu"
        ) from error
    return f"cuda:{os.environ['LOCAL_RANK']}" if device == "cuda" and world() > 1 else device


def agreed(value: T) -> T:
    """What the first process says, so that clocks and files seen at different moments cannot part them."""
    if world() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box, 0)
    return box[0]


def summed(*values: torch.Tensor) -> list[float]:
    """Each value's sum over all processes."""
    total = torch.stack([value.double() for value in values])
    if world() > 1:
        distributed.all_reduce(total)
    return total.tolist()


@contextmanager
def processes(device: str) -> Iterator[None]:
    """The group that WORLD_SIZE and its kin describe, for as long as the block runs; all leave together."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
        distributed.barrier()
    finally:
        gc.collect()  # a DistributedDataParallel that outlives its group aborts the process at exit
        distributed.destroy_process_group()
