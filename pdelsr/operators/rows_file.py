"""The file of `refine_many`: a line that identifies the run, and one JSON line per instance."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from pdelsr.errors import FileFormatError, said
from pdelsr.files.atomic import NOT_WRITTEN, unwritable, write_whole
from pdelsr.files.digest import digest
from pdelsr.files.typed import built
from pdelsr.operators.instances import InstanceRow
from pdelsr.operators.physics import PIDeepONet
from pdelsr.operators.sensors import read_sensors, values_at


def fingerprint(
    operator: nn.Module, instances: Sequence[Mapping[str, Callable[..., Any]]], sensors: Any
) -> str:
    """A digest of an operator and its input functions.

    Args:
        operator: whose weights count.
        instances: the input functions of each, by name.
        sensors: where the operator reads them, unless it knows by itself; None for nowhere.
    """
    parts: list[str | bytes] = []
    for name, value in operator.state_dict().items():
        parts += [name, value.detach().cpu().contiguous().numpy().tobytes()]
    if isinstance(operator, PIDeepONet):
        parts += [values_at(given, operator.sensor_sets).tobytes() for given in instances]
    elif sensors is not None:
        where = read_sensors(sensors)
        parts += [values_at(given, where).tobytes() for given in instances]
    return digest(parts)[:16]


def read_rows(path: str | Path | None, header: dict[str, Any]) -> dict[int, InstanceRow]:
    """The rows of an earlier run of the same kind; creates the file if there is none."""
    if path is None:
        return {}
    file = Path(path)
    if not file.exists():
        try:
            write_whole(file, json.dumps(header) + "\n")
        except NOT_WRITTEN as error:
            raise FileFormatError(unwritable(path, error)) from error
        return {}
    try:
        first, *lines = file.read_text(encoding="utf-8").splitlines()
        found = json.loads(first)
        if lines and not lines[-1].endswith("}"):  # the write was interrupted
            lines.pop()
            write_whole(file, "".join(f"{line}\n" for line in (first, *lines)))
        rows = [built(InstanceRow, json.loads(line), "a row") for line in lines]
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(
            f"{path} is not a file of refine_many ({said(error)}): give another path, or remove it."
        ) from error
    if found != header:
        raise FileFormatError(
            f"{path} belongs to another run ({found}): give another path, or remove it."
        )
    return {row.index: row for row in rows}


def append_row(path: str | Path | None, row: InstanceRow) -> None:
    """Write the whole file again with one more row, so that no row is ever cut."""
    if path is None:
        return
    try:
        before = Path(path).read_text(encoding="utf-8")
        write_whole(path, f"{before}{json.dumps(asdict(row))}\n")
    except NOT_WRITTEN as error:
        raise FileFormatError(unwritable(path, error)) from error
