"""Files are written whole or not at all; links and permissions stay."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pdelsr.errors import SettingsError
from pdelsr.files.atomic import read_path, write_new, write_whole, written_whole


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, "old")

    def fails() -> None:
        with written_whole(path) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_and_the_permissions_are_kept(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "a.txt", tmp_path / "link.txt"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    link.symlink_to(target)
    write_whole(link, "new")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [p.name for p in target.parent.iterdir()] == ["a.txt"]


def test_a_link_to_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "new")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "new").read_bytes() == b"new"


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").write_bytes(b"")
    write_whole(tmp_path / "new", b"")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_links_in_a_circle_and_long_names_are_errors_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for name, why in (("a", "symbolic links"), ("n" * 256, "too long")):
        with pytest.raises(OSError, match=why):
            write_whole(tmp_path / name, "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(path.read_text)
        write_whole(path, "text")
        assert read.result(10) == "text"
    assert path.is_fifo()


@pytest.mark.parametrize("given", [None, 3, "", b"a"])
def test_what_is_no_path_is_refused(given: object) -> None:
    with pytest.raises(SettingsError, match=r"--save is .*: give the path of a file"):
        read_path(given, "--save")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="the system has no /dev/fd")
def test_a_pipe_without_a_name_is_written_to_by_its_number() -> None:
    reader, writer = os.pipe()
    try:
        write_whole(f"/dev/fd/{writer}", "text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
        os.close(writer)


def test_many_writers_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: write_whole(path, str(i) * 1000), range(80)))
    text = path.read_text(encoding="utf-8")
    assert text in {str(i) * 1000 for i in range(80)}
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_takes_no_name_that_something_has(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_new(path, "größe")
    assert path.read_text(encoding="utf-8") == "größe"
    assert path.stat().st_mode == _usual_mode(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("a.txt", "link"):
        with pytest.raises(FileExistsError):
            write_new(tmp_path / name, "other")
    assert path.read_text(encoding="utf-8") == "größe"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "link"]


def _usual_mode(folder: Path) -> int:
    usual = folder / "usual"
    usual.write_bytes(b"")
    mode = usual.stat().st_mode
    usual.unlink()
    return mode


@pytest.mark.parametrize("taken", [False, True], ids=["free", "taken meanwhile"])
def test_a_new_file_where_there_are_no_links(
    taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"

    def refuses(_: Path, target: Path) -> None:
        if taken:
            target.write_text("theirs", encoding="utf-8")
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuses)
    if taken:
        with pytest.raises(FileExistsError):
            write_new(path, "ours")
    else:
        write_new(path, "ours")
    assert path.read_text(encoding="utf-8") == ("theirs" if taken else "ours")
    assert list(tmp_path.iterdir()) == [path]


def test_of_many_writers_of_a_new_file_one_has_it(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def write(i: int) -> bool:
        try:
            write_new(path, str(i) * 1000)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(write, range(40)))
    assert written.count(True) == 1
    assert path.read_text(encoding="utf-8") == str(written.index(True)) * 1000
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_was_taken_is_free_again_where_the_move_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*names: object) -> None:
        raise OSError(errno.EPERM, "refused")

    monkeypatch.setattr(os, "link", refused)
    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(OSError, match="refused"):
        write_new(tmp_path / "a.txt", "ours")
    assert not list(tmp_path.iterdir())
