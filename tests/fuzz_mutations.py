"""Mutations of files: of bytes, and of values, members and headers of what the bytes mean."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import yaml

__all__ = ["mutated"]

_SIZES = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    1 << 20,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 40,
    (1 << 63) - 1,
)
_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        "",
        "x",
        "8",
        "\x1b[31mred\x07",
        "\u202e",
        "=1+1",
        "../../etc/passwd",
        "/dev/zero",
        "a\0b",
    ),
    *(-1, 0, 1, 2.0, 0.5, 10**18, 10**30, 10**99, -(10**18), 1e308, -1e-308, 2**31, 2**63),
    *([], {}, [[]], [1], {"a": 1}, [None], "x" * 5000, ["y"] * 300, {f"k{i}": i for i in range(300)}),
    *([[[[[[[[[[1]]]]]]]]]], {"": {"": {"": 1}}}, "NaN", "2020-13-45", "é" * 50, "[/red]"),
)
_RAW = (
    b"NaN",
    b"-Infinity",
    b"9" * 5000,
    b"[" * 3000,
    b'{"a":' * 3000,
    b"1e999",
    b'"\\ud800"',
    b"\xff\xfe",
    b"\x00",
)
_RAW_YAML = (
    *(
        b"2020-13-45",
        b"!!int abc",
        b"!!float x",
        b"!!bool perhaps",
        b"!!timestamp soon",
        b"!!binary '*'",
        b"0x" + b"f" * 5000,
    ),
    *(
        b"9" * 5000,
        b"[" * 3000,
        b"- " * 3000,
        b"!!python/name:os.system",
        b"&a [*a]",
        b"*nobody",
        b"1:" * 2000 + b"1",
        b".nan",
    ),
    b"["
    + b"&a [x, x, x, x, x, x, x, x, x], "
    + b", ".join(b"&%c [%s]" % (98 + i, b", ".join([b"*%c" % (97 + i)] * 9)) for i in range(8))
    + b"]",
)


def mutated(kind: str, data: bytes, rng: random.Random) -> bytes:
    """``data`` of a file of this kind with something else in it; never ``data`` itself."""
    ways: dict[str, tuple[Callable[[bytes, random.Random], bytes], ...]] = {
        "json": (_of_json, _of_json, _of_json, _of_json_text, _of_bytes),
        "yaml": (_of_yaml, _of_yaml, _of_yaml, _of_yaml_text, _of_bytes),
        "gz": (_of_gz, _of_gz, _of_gz, _of_bytes),
        "zip": (_of_zip, _of_zip, _of_bytes),
        "safetensors": (_of_safetensors, _of_safetensors, _of_bytes),
        "bytes": (_of_bytes,),
    }
    for _ in range(20):
        made = rng.choice(ways[kind])(data, rng)
        if made != data:
            return made
    return data[:-1]


def _of_bytes(data: bytes, rng: random.Random) -> bytes:
    """One mutation, now and then up to four."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(_BYTE_WAYS)(data, rng)
    return data


def _flip(data: bytes, rng: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if made:
            made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.choice((rng.randrange(len(data) + 1), rng.randrange(min(len(data), 200) + 1)))]


def _field(data: bytes, rng: random.Random) -> bytes:
    """A number of 1 to 8 bytes: a length, an offset, a count."""
    width = rng.choice((1, 2, 4, 8))
    at = rng.randrange(max(len(data) - width, 0) + 1) // width * width
    return data[:at] + (rng.choice(_SIZES) % (1 << 8 * width)).to_bytes(width, "little") + data[at + width :]


def _chunk(data: bytes, rng: random.Random) -> bytes:
    """A piece taken out, doubled, moved or replaced."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    b = min(b, a + rng.choice((1, 4, 16, 64, 1024)))
    piece = data[a:b]
    other = rng.randrange(len(data) + 1)
    return rng.choice(
        (
            data[:a] + data[b:],
            data[:b] + piece + data[b:],
            data[:other] + piece + data[other:],
            data[:a] + rng.randbytes(b - a) + data[b:],
            data[:a] + bytes(b - a) + data[b:],
            data + piece,
        )
    )


_BYTE_WAYS = (_flip, _flip, _cut, _field, _field, _chunk)


# Values


def _edited(value: Any, rng: random.Random) -> Any:
    """The value with one place in it changed, deleted, renamed, doubled, or exchanged with another."""
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            places += [(node, key) for key in node]
            waiting += list(node.values())
        elif isinstance(node, list):
            places += [(node, i) for i in range(len(node))]
            waiting += node
    if not places or rng.random() < 0.03:
        return rng.choice(_VALUES)
    shallow = places[: 1 + len(places) // 8]
    node, key = rng.choice(shallow if rng.random() < 0.5 else places)
    way, old = rng.randrange(6), node[key]
    if way <= 2:
        node[key] = rng.choice(_VALUES)
    elif way == 3:
        number = isinstance(old, (int, float)) and not isinstance(old, bool)
        near = [
            str(old),
            [old],
            {"a": old},
            *([old + 1, old + 0.5, -old, float(old), old * 10**9] if number else []),
        ]
        node[key] = rng.choice(near)
    elif way == 4 and isinstance(node, dict):
        moved = node.pop(key)
        if rng.random() < 0.6:
            node[rng.choice([f"{key}x", str(key)[:-1], str(key).upper(), "\x1b[2J", "k" * 3000])] = moved
    else:
        node2, key2 = rng.choice(places)
        node[key], node2[key2] = node2[key2], node[key]
    return value


def _of_json(data: bytes, rng: random.Random) -> bytes:
    try:
        return json.dumps(_edited(json.loads(data), rng), separators=(",", ":")).encode()
    except (ValueError, RecursionError):  # a value that was put inside of itself
        return _of_bytes(data, rng)


def _of_yaml(data: bytes, rng: random.Random) -> bytes:
    try:
        return yaml.safe_dump(_edited(yaml.safe_load(data), rng), allow_unicode=False).encode()
    except (yaml.YAMLError, RecursionError):
        return _of_bytes(data, rng)


def _scalar_replaced(data: bytes, rng: random.Random, raw: bytes) -> bytes:
    """``raw`` in place of a number or text after a colon or a comma."""
    found = list(re.finditer(rb'(?<=[:,\[])\s*("[^"\n]*"|[\w.+-]+)', data))
    if not found:
        return raw
    place = rng.choice(found)
    return data[: place.start(1)] + raw + data[place.end(1) :]


def _of_json_text(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.3:  # a name twice
        found = list(re.finditer(rb'"\w+"\s*:\s*[\w."-]+', data))
        pair = rng.choice(found)
        return data[: pair.start()] + pair[0] + b"," + data[pair.start() :]
    return _scalar_replaced(data, rng, rng.choice(_RAW))


def _of_yaml_text(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.2:  # a line twice
        lines = data.split(b"\n")
        at = rng.randrange(len(lines))
        return b"\n".join([*lines[: at + 1], *lines[at:]])
    return _scalar_replaced(data, rng, rng.choice(_RAW_YAML))


def _of_gz(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.05:
        return gzip.compress(bytes(1 << 28), 1, mtime=0)
    return gzip.compress(
        rng.choice((_of_json, _of_json, _of_json_text))(gzip.decompress(data), rng), 1, mtime=0
    )


# Archives and headers


def _of_zip(data: bytes, rng: random.Random) -> bytes:
    """Members changed, with checksums that are right again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(m.filename, archive.read(m)) for m in archive.infolist()]
    how = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    at, other = rng.randrange(len(members)), rng.randrange(len(members))
    (name, held), way = members[at], rng.randrange(12)
    if way <= 4:
        members[at] = (name, _of_bytes(held, rng))
    elif way == 5:
        members[at] = (
            rng.choice((name[:-1], f"../{name}", "\x1b[31m.npy", f"{name}.npy", "k" * 3000, f"x/{name}")),
            held,
        )
    elif way == 6:
        del members[at]
    elif way == 7:
        members[at], members[other] = (name, members[other][1]), (members[other][0], held)
    elif way == 8:
        members.append((rng.choice((name, "notes.txt", "empty.npy")), rng.choice((held, b"", b"text"))))
    elif way == 9:
        members[at], how = (name, held[:200] + bytes(1 << 28)), zipfile.ZIP_DEFLATED
    else:  # the header of an .npy member, or whatever text there is
        members[at] = (name, _text_edited(held, rng))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", how, compresslevel=1) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name twice, which is meant
        for member, content in members:
            archive.writestr(member, content)
    return stream.getvalue()


def _text_edited(data: bytes, rng: random.Random) -> bytes:
    """A number in a header of the same length, as an .npy file has it."""
    found = list(re.finditer(rb"\d+|<[fiu]\d", data[:400]))
    if not found:
        return _of_bytes(data, rng)
    place = rng.choice(found)
    size = place.end() - place.start()
    new = rng.choice((b"9", b"0", b"1", b"O", b"-1", b"99999999", b"|O", b"<f8", b"|V9"))[
        : max(size, 1)
    ].rjust(size)
    return data[: place.start()] + new + data[place.end() :]


def _of_safetensors(data: bytes, rng: random.Random) -> bytes:
    """The header's values changed; its length is right."""
    size = int.from_bytes(data[:8], "little")
    edit = rng.choice((_of_json, _of_json, _of_json_text))
    header = edit(data[8 : 8 + size], rng)
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]
