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


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """Timeloop and Accelergy, with the plug-in registered in a home folder of its own; else skipped."""
    from hd_plugin.engines.timeloop import find_tools
    from hd_plugin.errors import MissingTool
    from hd_plugin.hosts.accelergy import register

    try:
        find_tools()
    except MissingTool:
        pytest.skip(
            "Timeloop, Accelergy and pytimeloop are not all installed; hd-plugin doctor says what is missing"
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        register()
        yield
