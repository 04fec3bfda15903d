"""The checkpoint of a training: weights, moments of Adam, losses and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from pdelsr.errors import FileFormatError, SettingsError
from pdelsr.files.container import Contents, Kind, read, write
from pdelsr.networks import FeatureNetwork, network_settings
from pdelsr.operators.physics import PIDeepONet

CALLED = {
    "problem": "the problem",
    "statements": "the equations, their coefficients or the functions drawn",
    "readings": "the sensors or the functions drawn",
    "shapes": "the sizes of the operator (sensors, in_features, hidden, kind)",
    "networks": "the networks of the operator (kind, activation)",
}
KIND = "operator-training"
TRAINING = Kind("a checkpoint of a training", "train_operator with a checkpoint", "train again")
KINDS = ("weight", "mean", "square")  # tensors of every parameter


def resumed(
    path: str | Path | None,
    settings: dict[str, Any],
    operator: PIDeepONet,
    optimizer: torch.optim.Adam,
) -> list[float]:
    """Put in weights and moments of the checkpoint and return its losses; none without a file."""
    if path is None or not Path(path).exists():
        return []
    contents = read(path, TRAINING)
    if contents.document.get("kind") != KIND:
        raise FileFormatError(f"{path} is no checkpoint of a training: give another path.")
    other = contents.document.get("settings")
    if not isinstance(other, dict):
        raise FileFormatError(f"{path} lacks the settings of the training: use another copy.")
    differ = [CALLED.get(n, n) for n in settings if other.get(n) != settings[n]]
    if differ:
        raise FileFormatError(
            f"{path} belongs to a training that differs in {', '.join(differ)}: give another path, "
            "or remove it."
        )
    parameters = dict(operator.named_parameters())
    for name, p in parameters.items():
        for kind in KINDS:
            _require_like(path, contents, f"{kind}.{name}", p)
    losses = contents.tensors.get("losses", torch.empty(0)).tolist()
    with torch.no_grad():
        for name, p in parameters.items():
            p.copy_(contents.tensors[f"weight.{name}"])
            optimizer.state[p] = {
                "step": torch.tensor(float(len(losses))),
                "exp_avg": contents.tensors[f"mean.{name}"].to(p),
                "exp_avg_sq": contents.tensors[f"square.{name}"].to(p),
            }
    return losses


def network_text(network: FeatureNetwork) -> str:
    """The kind and activation of a network; the seed of its first weights does not matter."""
    try:
        settings = network_settings(network)
    except SettingsError:  # it is a user's own
        return f"{type(network).__qualname__}, {network.activation.name}"
    return str({name: value for name, value in settings.items() if name != "seed"})


def _require_like(path: str | Path, contents: Contents, name: str, like: torch.Tensor) -> None:
    """Refuse a tensor that is missing, or differs from its parameter in shape or type."""
    found = contents.tensors.get(name)
    if found is None or found.shape != like.shape or not found.is_floating_point():
        given = "nothing" if found is None else f"{found.dtype} {tuple(found.shape)}"
        raise FileFormatError(
            f"{path} has {given} for {name}, expected {tuple(like.shape)}: give another path, or "
            "remove it."
        )


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
