"""Files for ``doctor``: an architecture of nodes, its components, a problem."""

import re
from pathlib import Path

from hd_plugin._data_files import data_folder
from hd_plugin.energy import build_component

NATIVE = data_folder("arch") / "accelergy_only.yaml"
VARIABLES = 'variables: {version: 0.4, technology: "45nm", global_cycle_seconds: 1.0e-9}\n'
# as many have them: dimensions of other names, branches, a compound multiplier, a DRAM without depth
NODES = """\
architecture:
  version: 0.4
  nodes:
  - !Container
    name: system
  - !Component
    name: offchip
    class: DRAM
    attributes: {width: 64, datawidth: 8}
  - !Container
    name: pes
    spatial: {meshX: 4}
    constraints:
      spatial: {permutation: [M, N], factors: [P=1, N=1]}
  - !Parallel
    nodes:
    - !Component
      name: weights
      class: storage
      subclass: hd_stationary_register
      attributes: {depth: 1, width: 8, datawidth: 8}
      constraints:
        dataspace: {keep: [W]}
        temporal: {factors: [M=1]}
    - !Component
      name: sums
      class: storage
      subclass: my_buffer
      attributes: {depth: 64, width: 16, datawidth: 16}
      constraints:
        dataspace: {keep: [X, Y]}
  - !Component
    name: mac
    class: intmac
    attributes: {flip_rate: 0.25}
"""
COMPONENTS_OF_ONES_OWN = """\
compound_components:
  version: 0.4
  classes:
  - name: my_buffer
    attributes: {technology: must_specify, width: must_specify, depth: must_specify}
    subcomponents:
    - {name: cells, class: hd_sram, attributes: {width: width, depth: depth, technology: technology}}
    actions:
    - {name: read, subcomponents: [{name: cells, actions: [{name: read}]}]}
    - {name: write, subcomponents: [{name: cells, actions: [{name: write}]}]}
    - {name: update, subcomponents: [{name: cells, actions: [{name: update}]}]}
    - {name: leak, subcomponents: [{name: cells, actions: [{name: leak}]}]}
"""
MULTIPLIER = """\
compound_components:
  version: 0.4
  classes:
  - name: intmac
    attributes: {technology: must_specify, flip_rate: 0.5}
    subcomponents:
    - {name: multiplier, class: CLASS, attributes: {ATTRIBUTES}}
    actions:
    - {name: compute, subcomponents: [{name: multiplier, actions: [{name: compute}]}]}
    - {name: leak, subcomponents: [{name: multiplier, actions: [{name: leak}]}]}
"""
PASSED_ON = "flip_rate: flip_rate, weight_bits: 4, activation_bits: 8, psum_bits: 16, technology: technology"
PROBLEM = """\
problem:
  version: 0.4
  instance: {M: 8, N: 4, P: 4}
  shape:
    name: product
    dimensions: [M, N, P]
    data_spaces:
    - {name: W, projection: [[[M]], [[N]]]}
    - {name: X, projection: [[[N]], [[P]]]}
    - {name: Y, projection: [[[M]], [[P]]], read_write: true}
"""


def written(folder, **texts):
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return [folder / f"{name}.yaml" for name in texts]


def from_page(folder):
    """The files that docs/timeloop.md shows, each under the name in its first line."""
    page = (Path(__file__).parent.parent / "docs" / "timeloop.md").read_text(encoding="utf8")
    blocks = re.findall(r"^```yaml\n# (\w+)\.yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return written(folder, **dict(blocks))


def multiplier(class_name, attributes):
    return MULTIPLIER.replace("CLASS", class_name).replace("ATTRIBUTES", attributes)


MAC = {
    "technology": "45nm",
    "weight_bits": 4,
    "activation_bits": 8,
    "psum_bits": 16,
    "flip_rate": 0.25,
    "global_cycle_seconds": 1e-9,
}
COMPUTE_PJ = build_component("hd_mac", MAC)[0].actions_pJ()["compute"]
