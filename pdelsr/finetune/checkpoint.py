"""The checkpoint of a training: weights, moments of Adam, losses, and the settings of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from pdelsr.errors import FileFormatError
from pdelsr.operators.physics import PIDeepONet
from pdelsr.results.container import Contents, read, write

KIND = "operator-training"


def resumed(
    path: str | Path | None,
    settings: dict[str, Any],
    operator: PIDeepONet,
    optimizer: torch.optim.Adam,
) -> list[float]:
    """The losses of the checkpoint, whose weights and moments are put in; none where none is."""
    if path is None or not Path(path).exists():
        return []
    contents = read(path)
    if contents.document.get("kind") != KIND:
        raise FileFormatError(f"{path} is no checkpoint of a training: give another path.")
    other = contents.document["settings"]
    differ = [name for name in settings if other.get(name) != settings[name]]
    if differ:
        raise FileFormatError(
            f"{path} belongs to a training that differs in {', '.join(differ)}: give another path, "
            "or remove it."
        )
    losses = contents.tensors["losses"].tolist()
    parameters = dict(operator.named_parameters())
    with torch.no_grad():
        for name, p in parameters.items():
            p.copy_(contents.tensors[f"weight.{name}"])
            optimizer.state[p] = {
                "step": torch.tensor(float(len(losses))),
                "exp_avg": contents.tensors[f"mean.{name}"].to(p),
                "exp_avg_sq": contents.tensors[f"square.{name}"].to(p),
            }
    return losses


def save(
    path: str | Path,
    settings: dict[str, Any],
    operator: PIDeepONet,
    optimizer: torch.optim.Adam,
    losses: list[float],
) -> None:
    tensors = {"losses": torch.tensor(losses, dtype=torch.float64)}
    for name, p in operator.named_parameters():
        state = optimizer.state[p]
        tensors[f"weight.{name}"] = p.detach()
        tensors[f"mean.{name}"] = state["exp_avg"]
        tensors[f"square.{name}"] = state["exp_avg_sq"]
    write(path, Contents(tensors, {"kind": KIND, "settings": settings}))
