"""Nothing that the project did not write is removed or overwritten."""

import os

import pytest

from hd_plugin._atomic import write_text
from hd_plugin.errors import InputError
from hd_plugin.report._own_files import replace_files


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / name).write_text(name)
    return folder


def test_files_of_an_earlier_call_go_away_and_others_stay(sources, tmp_path):
    folder = tmp_path / "out" / "timeloop"
    replace_files(folder, [("one/a", sources / "a"), ("two/b", sources / "b")])
    (folder / "two" / "mine.txt").write_text("keep")
    (folder / "src").mkdir()
    (folder / "src" / "main.cpp").write_text("keep")
    replace_files(folder, [("three/c", sources / "c")])
    left = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert left == [".hd-plugin-files.json", "src/main.cpp", "three/c", "two/mine.txt"]


def test_without_files_an_existing_folder_is_left_as_it_is(tmp_path):
    folder = tmp_path / "timeloop"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.cpp").write_text("keep")
    replace_files(folder, [])
    assert [p.name for p in folder.rglob("*") if p.is_file()] == ["main.cpp"]
    replace_files(tmp_path / "other", [])
    assert not (tmp_path / "other").exists()


def test_a_file_of_somebody_elses_is_never_overwritten(sources, tmp_path):
    folder = tmp_path / "timeloop"
    (folder / "one").mkdir(parents=True)
    (folder / "one" / "a").write_text("mine")
    with pytest.raises(InputError, match="was not written by hd-plugin"):
        replace_files(folder, [("zero/b", sources / "b"), ("one/a", sources / "a")])
    assert (folder / "one" / "a").read_text() == "mine" and not (folder / "zero").exists()


def test_a_comparison_leaves_a_users_folder_of_that_name_alone(tmp_path):
    import hd_plugin as hd

    (tmp_path / "timeloop" / "src").mkdir(parents=True)
    (tmp_path / "timeloop" / "src" / "main.cpp").write_text("keep")
    network = hd.load_network("resnet20_cifar10_w4", layers=["linear"])
    hd.write_report(hd.compare(network, effort="greedy"), tmp_path)
    assert (tmp_path / "timeloop" / "src" / "main.cpp").read_text() == "keep"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_files_have_the_rights_that_the_umask_leaves(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a.txt", "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o666 & ~umask
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
