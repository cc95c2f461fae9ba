"""The edge of every reader: sizes are checked against the file and a limit before memory is taken.

What a file holds byte for byte may be of any size. What unpacks (compressed members, images, tensors that
share their numbers) may grow to ``UNPACKED`` bytes or ``RATIO`` times the file, whichever is more; what is
built from text has its own limits. ``HD_PLUGIN_LIMITS=4`` in the environment makes every limit four times
as large.
"""

from __future__ import annotations

import math
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hd_plugin._wording import one_line
from hd_plugin.errors import InputError

__all__ = [
    "RATIO",
    "UNPACKED",
    "check_unpacked",
    "check_whole",
    "gunzip",
    "limit",
    "open_zip",
    "read_bytes",
    "read_text",
    "why",
]

UNPACKED = 32 << 20  # bytes
RATIO = 32  # zlib reaches 1,032; weights of 4 bits with 9 of 10 pruned reach 10
_MEMBERS = 200_000  # of an archive
_VARIABLE = "HD_PLUGIN_LIMITS"
_STEP = 1 << 20


def limit(least: float) -> int:
    """A limit as it stands now: ``least`` times what HD_PLUGIN_LIMITS says. InputError: that is no number."""
    told = os.environ.get(_VARIABLE) or "1"
    try:
        factor = float(told)
    except ValueError:
        factor = math.nan
    if not 1 <= factor <= 1e6:
        raise InputError(f"{_VARIABLE}: {told!r} found; a number from 1 to 1000000 is needed")
    return int(least * factor)


def why(error: BaseException) -> str:
    """What a library said of a file, short enough to stand inside of an error."""
    text = str(error.strerror) if isinstance(error, OSError) and error.strerror else str(error)
    return one_line(f"{type(error).__name__}: {text}" if text else type(error).__name__, 160)


def read_bytes(path: str | Path, advice: str = "") -> bytes:
    """All of a regular file; ``advice`` ends the errors.

    Raises InputError: no such file, a folder, a device, not readable.
    """
    path, then = Path(path), f"; {advice}" if advice else ""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # /dev/zero has no end
            kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise InputError(f"{path}: is {kind}; name a file{then}")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file{then}") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not readable ({why(error)}){then}") from error


def read_text(path: str | Path, advice: str = "", kind: str = "text") -> str:
    """A file in UTF-8; ``kind`` says what it should be. InputError as ``read_bytes``, and for other bytes."""
    try:
        return read_bytes(path, advice).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        then = f"; {advice}" if advice else ""
        raise InputError(f"{path}: not readable as {kind} (byte {error.start}: no UTF-8){then}") from error


def check_unpacked(where: str | Path, packed: int, unpacked: int, ratio: float = RATIO) -> None:
    """InputError when ``packed`` bytes of a file would grow to more than the limit; before they do."""
    most = limit(max(UNPACKED, ratio * packed))
    if unpacked > most:
        raise InputError(
            f"{where}: {_size(packed)} unpack to {_size(unpacked)}, more than the limit of {_size(most)}; if "
            f"you trust the file, set {_VARIABLE}={math.ceil(unpacked / max(UNPACKED, ratio * packed))}"
        )


def check_whole(where: str, declared: int, found: int) -> None:
    """InputError unless as many bytes are there as the file says."""
    if declared != found:
        raise InputError(f"{where}: {declared} bytes declared, {found} found; the file is cut or damaged")


def _size(count: int) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.4g} {name}"
    return f"{count} bytes"


def gunzip(path: str | Path, advice: str, kind: str = "gzip file") -> bytes:
    """What a gzip file holds; ``kind`` says what it should be.

    Raises InputError: none, a cut one, or one that unpacks to more than the limit.
    """
    path, packed = Path(path), read_bytes(path, advice)
    most = limit(max(UNPACKED, RATIO * len(packed)))
    parts, size, rest = [], 0, packed
    try:
        while rest:
            stream = zlib.decompressobj(wbits=31)
            while not stream.eof:
                part = stream.decompress(rest, _STEP)
                rest, size = stream.unconsumed_tail, size + len(part)
                if size > most:
                    check_unpacked(path, len(packed), size)
                if not part and not rest and not stream.eof:
                    raise EOFError("it ends early")
                parts.append(part)
            rest = stream.unused_data
    except (zlib.error, EOFError) as error:
        raise InputError(f"{path}: not a readable {kind} ({why(error)}); {advice}") from error
    if not packed:
        raise InputError(f"{path}: empty; {advice}")
    return b"".join(parts)


@contextmanager
def open_zip(path: str | Path, advice: str) -> Iterator[zipfile.ZipFile]:
    """An archive whose members lie in the file, each under one name, and unpack to no more than the limit.

    Raises InputError for one that does not, and for damage that shows while members are read.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            _check_members(path, archive)
            yield archive
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {advice}") from error
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a readable archive ({why(error)}); {advice}") from error


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    members, size = archive.infolist(), path.stat().st_size
    if len(members) > limit(_MEMBERS):
        raise InputError(f"{path}: {len(members)} members found; at most {limit(_MEMBERS)} are read")
    names = {m.filename for m in members}
    if len(names) < len(members):
        raise InputError(f"{path}: two members of one name; an archive of distinct names is needed")
    if any(m.flag_bits & 1 for m in members):
        raise InputError(f"{path}: has members with a password; write it without")
    packed = sum(m.compress_size for m in members)
    if packed > size:  # members that share bytes, or go beyond the end
        raise InputError(f"{path}: its members take {packed} bytes of {size}; the file is cut or damaged")
    check_unpacked(path, size, sum(m.file_size for m in members))
    for member in members:  # its own header says the same name as the directory at the end
        archive.open(member).close()
