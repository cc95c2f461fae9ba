"""Files of PyTorch as plain tensors and numbers: no code, nothing far larger in memory than in the file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hd_plugin._guard import check_unpacked, open_zip, why
from hd_plugin._wording import shown
from hd_plugin.errors import InputError
from hd_plugin.weights._readers._raw import need

__all__ = ["check_archive", "check_tensors", "load_plain", "opened"]

_MOST = 1_000_000  # values of a file


def load_plain(path: str | Path, advice: str, device: str = "cpu") -> Any:
    """What a file of ``torch.save`` holds, tensors on ``device``; ``advice`` ends the errors.

    Raises InputError: no such file, a damaged one, code in it, tensors that would take far more memory than
    the file; MissingTool without PyTorch.
    """
    torch, path = need("torch", "hd_plugin[torch]"), Path(path)
    check_archive(path, advice)
    try:
        with opened(path) as file:
            data = torch.load(file, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is none
        # never the library's own advice, weights_only=False: that runs the pickle
        told = why(error) if "weights_only" not in str(error) else "its pickle is cut, or asks for code"
        raise InputError(f"{path}: damaged, or no plain file of PyTorch ({told}); {advice}") from error
    check_tensors(path, data, advice)
    return data


class _Bounded(io.BufferedReader):
    """A file of which no more can be asked for than there is: Python takes the memory before it reads."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self._size - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left))


def opened(path: Path) -> _Bounded:
    """The file for ``torch.load``, where a damaged pickle may ask for any number of bytes."""
    return _Bounded(path)


def check_archive(path: Path, advice: str) -> None:
    """InputError for no file, or an archive whose members unpack to more than the limit."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; {advice}")
    try:
        packed = zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # one of several disks, say
        packed = True
    if packed:
        with open_zip(path, advice):
            pass


def check_tensors(path: Path, data: Any, advice: str) -> None:
    """InputError for dense tensors that a step of 0 makes far larger than the file."""
    torch = need("torch", "hd_plugin[torch]")
    waiting: list[tuple[str, Any]] = [("", data)]
    seen: set[int] = set()  # a pickle may hold one list many times, and inside of itself
    while waiting:
        name, value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if len(seen) > _MOST:
            raise InputError(f"{path}: more than {_MOST} values found; {advice}")
        if isinstance(value, torch.Tensor):
            if value.layout != torch.strided or value.device.type == "meta":
                continue  # who takes it says what it is
            size, own = value.numel() * value.element_size(), value.untyped_storage().nbytes()
            check_unpacked(f"{path}: {shown(name)}", own, size, 1)
        elif isinstance(value, Mapping):
            waiting += [(f"{name}.{key}" if name else str(key), item) for key, item in value.items()]
        elif isinstance(value, (list, tuple)):
            waiting += [(f"{name}[{i}]", item) for i, item in enumerate(value)]
