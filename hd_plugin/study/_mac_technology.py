"""The characterised array that a MAC's name stands for, made where it is not there yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hd_plugin._checked import read_json
from hd_plugin._data_files import cache_folder
from hd_plugin._journal import Journal
from hd_plugin._version import __version__
from hd_plugin.encoding_mac import ENCODING_SCHEMA, load_mac, mac_stem, split_mac
from hd_plugin.energy import CHARACTERISATION_SCHEMA, technologies
from hd_plugin.errors import InputError
from hd_plugin.hardware import ArraySize
from hd_plugin.streaming import Jobs
from hd_plugin.study._characterize import CharacteriseRequest, characterize
from hd_plugin.study._scenario import Scenario

__all__ = ["MacTechnology", "mac_technology"]

_SCHEMAS = (ENCODING_SCHEMA, CHARACTERISATION_SCHEMA)
_OWN_CELLS = "hd_generic45"  # the technology whose library comes with the package


@dataclass(frozen=True)
class MacTechnology:
    """Where the array of a MAC is, or will be. name : for ``load_characterisation``. make : what has to be
    characterised for it first, None where it is there.
    """

    name: str
    make: CharacteriseRequest | None = None

    def made(self, jobs: Jobs) -> str:
        """The name, once it is there; this takes minutes where it was not. Raises MissingTool."""
        if self.make is not None:
            characterize(Path(self.name).parent, self.make, jobs.named(f"characterising {self.make.mac}"))
        return self.name


def mac_technology(mac: str, asked: Scenario, weight_bits: int) -> MacTechnology:
    """The scenario's array, of PEs of ``mac``.

    mac : "binary" is the technology's own array; "tree", "exact" and some encodings come with the package
    under TECHNOLOGY_MAC; a file is a characterisation, or an encoding. What is not there can be characterised
    in the package's own cells (hd_generic45), and is kept in the user's cache. Raises InputError for a name
    that is unknown, or cells that are not there.
    """
    technology = asked.technology_name()
    if mac == "binary":
        return MacTechnology(technology)
    text, every = split_mac(mac)
    path = Path(text)
    if path.suffix == ".json":
        if not path.exists():
            raise InputError(f"macs: {mac}: no such file; an encoding or a characterisation is needed")
        if read_json(path, _SCHEMAS, "name an encoding or a characterisation")["schema"] != ENCODING_SCHEMA:
            if every is not None:
                raise InputError(f"macs: {mac}: {path} is characterised, with the registers that it has")
            return MacTechnology(mac)
    array, bundled = asked.array, f"{technology}_{mac_stem(mac)}"
    size = ArraySize(
        rows=array.rows,
        cols=array.cols,
        weight_bits=weight_bits,
        act_bits=array.activation_bits,
        psum_bits=array.psum_bits,
    )
    # an unknown name, or an encoding of other widths, fails here
    load_mac(mac, size.act_bits, size.weight_bits)
    if bundled in technologies() and size == ArraySize():
        return MacTechnology(bundled)
    if technology != _OWN_CELLS:
        raise InputError(
            f"macs: {mac}: no {size.name} array of it in {technology} comes with the package; make one with "
            f"'hd-plugin characterize --mac {mac} --liberty FILE --name NAME -o DIR' and name DIR/NAME.json"
        )
    return _own(mac, size)


def _own(mac: str, size: ArraySize) -> MacTechnology:
    """In the package's own cells, in the user's cache."""
    text, every = split_mac(mac)
    path = Path(text)
    content = path.read_bytes() if path.suffix == ".json" else b""
    key = Journal.key("mac", (__version__, every if content else mac, content, size.name)).hex()[:16]
    name = f"{_OWN_CELLS}_{mac_stem(mac)}"
    target = cache_folder("macs") / key / f"{name}.json"
    if target.exists():
        return MacTechnology(str(target))
    return MacTechnology(str(target), CharacteriseRequest(name=name, size=size, mac=mac))
