import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of public networks and images; tests that need it are skipped without it."""
    folder = os.environ.get("HD_PLUGIN_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("HD_PLUGIN_DATA does not name a folder with the public networks")
    return Path(folder)
