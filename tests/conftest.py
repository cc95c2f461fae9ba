"""What all tests share: how Hypothesis draws, a worker's threads, folders and tools that may be missing."""

import os
from collections import Counter
from pathlib import Path

# Beside other workers (pytest -n 2) the threads of torch and of BLAS only get into each other's way.
# Read when those load.
if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    for _library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(_library, "1")

import pytest
from hypothesis import HealthCheck, settings

# Neither a deadline nor a check that depends on what else the machine does. "ci" draws the same examples each
# time; a person's runs draw new ones and keep those that failed, in .hypothesis/.
settings.register_profile(
    "person", settings.get_profile("default"), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("person"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "person")


def pytest_terminal_summary(terminalreporter):
    """What was skipped, counted by reason: one line each, however many files it concerns."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("skipped")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:5}  {reason}")


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
