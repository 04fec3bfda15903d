"""The user's callback during a run; its mistakes must not cost the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pdelsr.errors import CallbackError, described
from pdelsr.solvers.state.history import Record


class Guarded:
    """Calls the user's function with every record, until it raises something.

    An exception ends the run as Ctrl-C does, with the best state so far; `require_success` raises
    it once there is a solution. StopIteration is a request to stop, not a mistake.

    Args:
        function: of one `Record`.
    """

    def __init__(self, function: Callable[[Record], Any]) -> None:
        self.function = function
        self.failed: tuple[Exception, Record] | None = None

    def __call__(self, record: Record) -> None:
        if self.failed is not None:
            return
        try:
            self.function(record)
        except StopIteration:
            raise KeyboardInterrupt from None
        except Exception as error:  # anything a user's function raises
            self.failed = error, record
            raise KeyboardInterrupt from error

    def require_success(self, solution: Any) -> None:
        """Raise if the function failed.

        Args:
            solution: of the run that the exception ended.

        Raises:
            CallbackError: the function failed; the error holds the solution.
        """
        if self.failed is None:
            return
        error, record = self.failed
        name = getattr(self.function, "__name__", type(self.function).__name__)
        raise CallbackError(
            f"callback {name} failed in iteration {record.iteration}, {record.phase}, with "
            f"{described(error)}; the run ended there. The best state so far is the attribute "
            "`solution` of this error; go on with start=.",
            solution,
        ) from error
