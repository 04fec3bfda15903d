"""Names the part of a problem whose own code fails."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from pdelsr.errors import PdelsrError, ProblemError, described
from pdelsr.resources.pieces import is_out_of_memory


@contextmanager
def of_a_users(part: str) -> Generator[None, None, None]:
    """Name the part of a problem whose own code fails inside the block.

    Args:
        part: its name in the message.

    Raises:
        ProblemError: the block raised something that is no error of ours, or lack of memory.
    """
    try:
        yield
    except PdelsrError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ProblemError(f"{part} fails with {described(error)}") from error
