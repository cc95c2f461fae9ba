"""What Accelergy loads. Its Python may be another one than hd_plugin's: then the package is found from this file."""

import sys
from pathlib import Path

try:
    from hd_plugin.hosts.accelergy._plug_in import HdPlugIn
except ModuleNotFoundError as error:
    if not (error.name or "").startswith("hd_plugin"):
        raise
    sys.path.append(str(Path(__file__).resolve().parents[4]))
    from hd_plugin.hosts.accelergy._plug_in import HdPlugIn

__all__ = ["HdPlugIn"]
