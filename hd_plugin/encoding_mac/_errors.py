"""How far an encoding is from the product."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from hd_plugin.errors import InputError

__all__ = ["EncodingErrors", "errors_between"]


@dataclass(frozen=True)
class EncodingErrors:
    """Errors are encoded minus exact product.

    max_absolute : the largest |error|; max_relative : over the largest |product|. rmse, mean : all pairs
    alike; weighted_rmse, weighted_mean : over the given distribution, None without one. In units of
    the product, but for max_relative.
    """

    max_absolute: int
    max_relative: float
    rmse: float
    mean: float
    weighted_rmse: float | None = None
    weighted_mean: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        return asdict(self)


def errors_between(
    table: np.ndarray, products: np.ndarray, distribution: np.ndarray | None = None
) -> EncodingErrors:
    """Of a table of products, int64[m, n], against the exact ones, int64[m, n].

    distribution : how likely each pair is, float[m, n].

    Raises InputError for one of another shape, with negative shares, or that adds up to 0.
    """
    error = table - products
    largest = int(np.abs(error).max())
    weighted: tuple[float | None, float | None] = (None, None)
    if distribution is not None:
        share = _checked(distribution, error.shape)
        weighted = float(np.sqrt((share * error.astype(float) ** 2).sum())), float((share * error).sum())
    return EncodingErrors(
        largest,
        largest / int(np.abs(products).max()),
        float(np.sqrt((error.astype(float) ** 2).mean())),
        float(error.mean()),
        *weighted,
    )


def _checked(distribution: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    share = np.asarray(distribution, float)
    if share.shape != shape:
        raise InputError(f"distribution: shape {list(share.shape)} found; {list(shape)} is needed")
    if not np.isfinite(share).all() or share.min() < 0 or share.sum() <= 0:
        raise InputError("distribution: shares >= 0 are needed, and not all of them 0")
    return share / share.sum()
