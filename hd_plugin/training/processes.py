"""Several processes that torch's launcher (torchrun) started to train one network."""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as distributed

__all__ = ["agreed", "device_of", "processes", "rank", "world"]

T = TypeVar("T")


def world() -> int:
    """How many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Which one this is; 0 writes."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def device_of(device: str) -> str:
    """A GPU of its own for each process."""
    return f"cuda:{os.environ['LOCAL_RANK']}" if device == "cuda" and world() > 1 else device


def agreed(value: T) -> T:
    """What the first process says, so that clocks and files seen at different moments cannot part them."""
    if world() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box, 0)
    return box[0]


@contextmanager
def processes(device: str) -> Iterator[None]:
    """The group that WORLD_SIZE and its kin describe, for as long as the block runs; all leave together."""
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
