"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from pdelsr.errors import SettingsError, quoted
from pdelsr.files.digest import digest

OLD = 600  # seconds after which a temporary file is left over
NEW = 0o666  # permissions of a new file, less what the process masks
NOT_WRITTEN = (OSError, ValueError)  # raised by writing; ValueError for a null byte in a path
LONGEST_ENDING = 16  # bytes of an ending that a temporary file takes over


def read_path(given: object, what: str = "path") -> Path:
    """The path of a file, as a user gives it.

    Args:
        given: text, or a `pathlib.Path`.
        what: its name in messages.

    Raises:
        SettingsError: it is something else, or an empty text.
    """
    if isinstance(given, str | Path) and given != "":
        return Path(given)
    raise SettingsError(f"{what} is {quoted(given)}: give the path of a file.")


def unwritable(path: str | Path, error: Exception) -> str:
    """The message that a file cannot be written."""
    why = getattr(error, "strerror", None) or error
    return f"{path} cannot be written: {why}; give another path."


@contextmanager
def written_whole(path: str | Path) -> Generator[Path, None, None]:
    """A temporary file for a block to write, which then replaces `path`.

    If the block fails or the process is killed, an older file stays as it was. Symbolic links are
    followed, and the permissions of an older file are kept. Devices and pipes cannot be replaced:
    the block writes to them directly.

    Args:
        path: of the file.

    Yields:
        An empty file beside it, with the same ending and a name that nobody else uses.

    Raises:
        OSError: the file cannot be written.
        ValueError: the path holds a null byte.
    """
    mode = _mode(Path(path))
    if mode is not None and not stat.S_ISREG(mode):
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        yield Path(path)  # an unnamed pipe, such as /dev/fd/63, has no other path
        return
    target = Path(os.path.realpath(path))
    if mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    with _beside(target) as temporary:
        yield temporary
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        _flush(temporary)
        os.replace(temporary, target)


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write text, in UTF-8, or bytes; see `written_whole`."""
    with written_whole(path) as temporary:
        temporary.write_bytes(_encoded(content))


def write_new(path: str | Path, content: str | bytes) -> None:
    """Write a new file, text in UTF-8 or bytes, whole or not at all.

    Args:
        path: of the file.
        content: of the file.

    Raises:
        FileExistsError: the name is taken, even by a dangling link; nothing is changed.
        OSError: the file cannot be written.
    """
    target = Path(path)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    with _beside(target) as temporary:
        temporary.write_bytes(_encoded(content))
        _flush(temporary)
        _take_free_name(temporary, target)


def remove_leftovers(path: Path) -> None:
    """Remove old temporary files of this path, left by killed processes."""
    target = Path(os.path.realpath(path))
    for leftover in target.parent.glob(f"{_prefix(target)}*.tmp*"):
        with suppress(OSError):  # in a read-only folder, for example: the clean-up is optional
            if time.time() - leftover.stat().st_mtime > OLD:
                leftover.unlink()


def _mode(path: Path) -> int | None:
    """Type and permissions of a file; None if it does not exist."""
    try:
        return path.stat().st_mode  # refuses circular links
    except FileNotFoundError:
        return None


@contextmanager
def _beside(target: Path) -> Generator[Path, None, None]:
    """A temporary file, removed at the end unless the block has moved it."""
    temporary = new_file_beside(target)
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def new_file_beside(target: Path) -> Path:
    """An empty hidden file beside the target, with a short name if the target's is long.

    The name is random, because processes in different containers may have the same number.
    """
    ending = target.suffix if len(os.fsencode(target.suffix)) <= LONGEST_ENDING else ""
    temporary = target.with_name(f"{_prefix(target)}{secrets.token_hex(8)}.tmp{ending}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, NEW))
    return temporary


def _prefix(target: Path) -> str:
    return f".{digest([os.fsencode(target.name)])[:16]}."


def _encoded(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _take_free_name(temporary: Path, target: Path) -> None:
    """Give a file a free name: unlike a move, a link is refused if the name is taken."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # on file systems without links: take the name first, then replace it
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, NEW))
        try:
            os.replace(temporary, target)
        except OSError:
            target.unlink()  # the empty placeholder
            raise


def _flush(file: Path) -> None:
    """Flush to disk: a power cut after the move must not leave an empty file."""
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
