"""The processor's own population count, for compiled code. Loads numba: import it by its full name only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["popcount"]


@intrinsic
def _popcount(typingctx: Any, x: Any) -> Any:
    if x != types.uint64:
        return None

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i64 = ir.IntType(64)
        fn = builder.module.declare_intrinsic("llvm.ctpop", [i64])
        return builder.call(fn, args)

    return types.uint64(types.uint64), build


popcount = cast("Callable[[Any], Any]", _popcount)
"""Bits that are 1 in a uint64, as a uint64; numba has no name for it."""
