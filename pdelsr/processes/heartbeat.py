"""Signs of life of processes that share a solve, by which a lost one is known by its number."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from datetime import timedelta

from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]

from pdelsr.errors import WorkerError, described

BEAT = 0.5  # seconds between two signs of life
QUIET = 15.0  # seconds without one, after which a process is lost
QUIET_AFTER_FAILURE = 3.0  # the same once a call of this process has failed
FIRST = 45.0  # seconds that the first sign may take longer
LAST = 10.0  # seconds in which a process ends by itself once another one is lost
KEY = "lost"


def without(lost: int, size: int) -> str:
    """What a process says when another one is lost."""
    return (
        f"rank {lost} of {size} was lost, and the solve ended in all of them: start it again. With "
        "a checkpoint, it goes on from there."
    )


def own_address() -> str:
    """The name of this machine for the other processes; they start from that of the first one."""
    return os.environ.get("MASTER_ADDR") or socket.getfqdn()


def store_at(host: str, port: int = 0) -> TCPStore:
    """A new store at a free port of this machine, or the one at a given port.

    Raises:
        WorkerError: there is none, or it cannot be reached.
    """
    try:
        return TCPStore(host, port, None, not port, timedelta(seconds=QUIET), False)
    except RuntimeError as error:
        raise WorkerError(
            f"the first process cannot be reached at {host}, port {port or 'any'}, by which lost "
            f"processes are noticed ({described(error):.150}): let MASTER_ADDR be the name of its "
            "machine, and open the ports between the machines."
        ) from error


class Heartbeat:
    """A thread of every process that gives signs of life, and watches those of the next process.

    They are counted in a store of the first process; whoever misses a sign writes there who is
    lost, and all others read it. If the store itself is gone, the first process is lost.

    Args:
        rank: number of this process.
        size: number of processes.
        store: of the first process.
    """

    def __init__(self, rank: int, size: int, store: TCPStore) -> None:
        self.lost: int | None = None
        self._rank, self._size, self._next = rank, size, (rank + 1) % size
        self._failed = self._over = False
        self._store = store
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, when all processes have come to their end."""
        self._over = True
        self._thread.join()

    def found(self) -> int | None:
        """The lost process after a call has failed; it may take a few seconds."""
        self._failed = True
        end = time.monotonic() + 2 * QUIET_AFTER_FAILURE
        while self.lost is None and time.monotonic() < end:
            time.sleep(BEAT / 5)
        return self.lost

    def _run(self) -> None:
        beats, seen, since = 0, -1, time.monotonic() + FIRST
        while not self._over and self.lost is None:
            beats += 1
            try:
                self._store.set(str(self._rank), str(beats))
                now = self._count(self._next)
                if now != seen:
                    seen, since = now, time.monotonic()
                quiet = QUIET_AFTER_FAILURE if self._failed else QUIET
                if time.monotonic() - since > quiet:
                    self._store.set(KEY, str(self._next))
                if self._store.check([KEY]):
                    self.lost = int(self._store.get(KEY))
            except RuntimeError:  # the store is gone
                self.lost = None if self._over else 0
            time.sleep(BEAT)
        if self.lost is not None:
            self._require_end()

    def _require_end(self) -> None:
        """End the process if it does not notice the loss itself, in a call that never returns."""
        end = time.monotonic() + LAST
        while not self._over:
            if time.monotonic() > end and self.lost is not None:
                print(f"pdelsr: {without(self.lost, self._size)}", file=sys.stderr, flush=True)
                os._exit(1)
            time.sleep(BEAT / 5)

    def _count(self, rank: int) -> int:
        """The signs that a process has given so far."""
        return int(self._store.get(str(rank))) if self._store.check([str(rank)]) else -1
