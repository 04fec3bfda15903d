"""Saved solutions that are cut, damaged, foreign or edited: refused, and never executed."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

import pdelsr as pl
from pdelsr.files.container import Contents, read, write
from pdelsr.results.document import require_small_network

X = pl.coordinates("x")


def problem() -> pl.Problem:
    """-u'' = π² sin πx with u = 0 at both ends."""
    u = pl.unknown("u", X)
    source = sp.pi**2 * sp.sin(sp.pi * X)
    conditions = [pl.Dirichlet(u, 0)]
    return pl.Problem("rod", pl.Interval(X, 0, 1), [sp.Eq(-u.diff(X, 2), source)], conditions)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a sound file, with a dense basis and inner points."""
    path = tmp_path_factory.mktemp("saved") / "a"
    options = {"hidden": (6, 6), "points": 30, "weight_scale": 1.0, "basis": "gaussian", "rank": 9}
    pl.solve(problem(), "lsr", **options).save(path)
    return path.read_bytes()


@pytest.fixture
def path(content: bytes, tmp_path: Path) -> Path:
    """A sound file."""
    (tmp_path / "a").write_bytes(content)
    return tmp_path / "a"


def refusal(path: Path) -> str:
    """The message with which a file is refused."""
    with pytest.raises(pl.FileFormatError) as info:
        pl.load(path, problem())
    message = str(info.value)
    assert str(path) in message
    assert "\n" not in message
    assert any(advice in message for advice in ("copy", "solve again", "written by", "install"))
    return message


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.99, 0.9999])
def test_a_file_that_is_cut_is_refused(share: float, path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert "is damaged" in refusal(path)


def test_a_file_with_more_behind_it_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize("position", range(24))
def test_a_flipped_bit_is_refused_or_harmless(position: int, path: Path) -> None:
    x = np.linspace(0, 1, 9)
    expected = pl.load(path, problem()).predict(x)
    changed = bytearray(path.read_bytes())
    changed[position * (len(changed) - 1) // 23] ^= 1 << position % 8
    path.write_bytes(bytes(changed))
    try:
        found = pl.load(path, problem()).predict(x)
    except pl.FileFormatError:
        assert str(path) in refusal(path)
    else:
        np.testing.assert_array_equal(found, expected)


def header(size: int, text: bytes = b"{}") -> bytes:
    return struct.pack("<Q", size) + text


FOREIGN: dict[str, bytes] = {
    "huge header": header(2**62),
    "negative header": b"\xff" * 8,
    "header of nothing": header(2),
    "header that is no JSON": header(4, b"nono"),
    "header of deep brackets": header(50_000, b"[" * 50_000),
    "offsets beyond the end": header(
        66, b'{"a":{"dtype":"F64","shape":[1000000000],"data_offsets":[0,8]}}   '
    ),
    "negative shape": header(58, b'{"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}}   '),
    "HTML": b"<!doctype html><title>404</title>" * 50,
    "JSON": b'{"problem": {}}',
    "zeros": bytes(10_000),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_bytes_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(FOREIGN[name])
    assert "not a solution saved by pdelsr" in refusal(tmp_path / "a")


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.marker),)


def as_pickle(path: Path, bomb: Bomb) -> None:
    path.write_bytes(pickle.dumps(bomb))


def as_torch_file(path: Path, bomb: Bomb) -> None:
    torch.save({"theta": torch.zeros(3), "problem": bomb}, path)


def as_old_torch_file(path: Path, bomb: Bomb) -> None:
    torch.save({"theta": bomb}, path, _use_new_zipfile_serialization=False)


def as_archive(path: Path, bomb: Bomb) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(bomb))


def as_numpy_file(path: Path, bomb: Bomb) -> None:
    with path.open("wb") as file:
        np.save(file, np.array([bomb], dtype=object), allow_pickle=True)


PICKLES = [as_pickle, as_torch_file, as_old_torch_file, as_archive, as_numpy_file]


@pytest.mark.parametrize("made", PICKLES, ids=lambda f: f.__name__)
def test_nothing_in_a_file_is_executed(made: Callable[..., None], tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    made(tmp_path / "a", Bomb(marker))
    assert "not a solution saved by pdelsr" in refusal(tmp_path / "a")
    assert not marker.exists()


def edited(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """Change tensors and document, and make the checksum fit again, as an attacker would."""
    contents = read(path)
    tensors, document = dict(contents.tensors), json.loads(json.dumps(contents.document))
    change(tensors, document)
    path.unlink()
    write(path, Contents(tensors, document))


def put(*keys: Any, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """An edit of one value of the document."""

    def change(tensors: dict[str, Any], document: Any) -> None:
        *outer, last = keys
        for key in outer:
            document = document[key]
        document[last] = value

    return change


def tensor(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any], Any], None]:
    """An edit of one tensor."""

    def apply(tensors: dict[str, Any], document: Any) -> None:
        tensors[name] = change(tensors[name])

    return apply


def without(where: int, *keys: str) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """An edit that removes a tensor (where = 0), or a value of the document (1)."""

    def change(*given: Any) -> None:
        found = given[where]
        for key in keys[:-1]:
            found = found[key]
        del found[keys[-1]]

    return change


def nan(t: torch.Tensor) -> torch.Tensor:
    return torch.full_like(t, torch.nan)


def wide(t: torch.Tensor) -> torch.Tensor:
    return t.reshape(1, -1)


KEYS = (
    *("network", "method", "settings", "status", "blocks", "history", "report", "points"),
    *("weights", "heldout", "seconds", "iterations"),
)
EDITS: dict[str, Callable[[dict[str, Any], dict[str, Any]], object]] = {
    **{f"without {key}": without(1, key) for key in KEYS},
    **{f"{key} is text": put(key, value="os.system('true')") for key in KEYS if key != "status"},
    **{f"{key} is a list": put(key, value=[[["a"]]]) for key in KEYS},
    **{f"without the tensor {k}": without(0, k) for k in ("theta", "V", "points.0.0")},
    **{f"tensor {k} of shape (1, n)": tensor(k, wide) for k in ("theta", "delta", "y")},
    **{f"tensor {k} of float32": tensor(k, torch.Tensor.float) for k in ("theta", "delta", "V")},
    **{f"tensor {k} of whole numbers": tensor(k, torch.Tensor.long) for k in ("theta", "delta")},
    **{f"tensor {k} is NaN": tensor(k, nan) for k in ("theta", "delta", "V", "y", "points.0.0")},
    "theta too short": tensor("theta", lambda t: t[:-1]),
    "V too narrow": tensor("V", lambda t: t[:, :-1]),
    "points of two columns": tensor("points.0.0", lambda t: t.expand(-1, 2)),
    "another tensor's name": lambda tensors, _: tensors.update(theta=tensors["V"]),
    "unknown class": put("settings", "class", value="os.system"),
    "class that is a list": put("settings", "class", value=["os", "system"]),
    "method of another kind": put("method", value={"class": "Sobol"}),
    "settings of another kind": put("settings", value={"class": "LSR"}),
    "basis by a class of its own": put("method", "basis", value={"class": "Popen", "args": "ls"}),
    "basis of a wrong kind": put("method", "basis", value={"class": "Sobol"}),
    "unknown field": put("method", "command", value="ls"),
    "unknown setting of the network": put("network", "settings", "command", value="ls"),
    "network of an unknown kind": put("network", "settings", "kind", value="subprocess"),
    "huge network": put("network", "settings", "hidden", value=[10**7, 10**7]),
    "negative network": put("network", "settings", "hidden", value=[-6, 6]),
    "network of texts": put("network", "settings", "hidden", value=["6", "6"]),
    "huge features": put("network", "settings", "fourier", value=10**12),
    "waves of every coordinate": put("network", "settings", "harmonics", value=10**12),
    "refinement without a condition number": put("report", "condition", value=None),
    "unknown block": put("blocks", "nowhere", value={"train_rms": 0.0, "heldout_rms": 0.0}),
    "residual below zero": put("blocks", "equation", "heldout_rms", value=-1.0),
    "other coordinates": put("network", "settings", "in_features", value=10**9),
    "activation that is code": put("network", "settings", "activation", value="exec"),
    "bounds of text": put("network", "settings", "bounds", value="ab"),
    "unknown status": put("status", value="fine"),
    "unknown dtype": put("settings", "dtype", value="object"),
    "dtype of other tensors": put("settings", "dtype", value="float32"),
    "unknown device": put("settings", "device", value="tpu"),
    "device that is a number": put("settings", "device", value=7),
    "seed below zero": put("settings", "seed", value=-1),
    "seed of text": put("settings", "seed", value="1"),
    "hard of text": put("settings", "hard", value="yes"),
    "time limit below zero": put("settings", "time_limit", value=-1),
    "callback": put("settings", "callback", value="print"),
    "network in the settings": put("settings", "network", value={"class": "LSR"}),
    "seconds of text": put("seconds", value="3"),
    "iterations that are no number": put("iterations", value=True),
    "block without its numbers": put("blocks", "equation", value={}),
    "block of texts": put("blocks", "equation", "train_rms", value="0"),
    "record of texts": put("history", 0, "seconds", value=None),
    "record with more": put("history", 0, "more", value=1),
    "rank below zero": put("report", "rank", value=-9),
    "huge rank": put("report", "rank", value=10**12),
    "rank of text": put("report", "rank", value="9"),
    "columns without an index": put("report", "directions", value="Columns"),
    "groups without an order": put("report", "directions", value="Groups"),
    "the identity of another rank": put("report", "directions", value="Identity"),
    "more points than there are": put("points", value=[["equation", 1], ["a", 1], ["b", 2]]),
    "huge number of sites": put("points", value=[["equation", 10**9]]),
    "points of text": put("points", value=["ab"]),
    "weights below zero": put("weights", "equation", value=-1.0),
    "weights that are NaN": put("weights", "equation", value=float("nan")),
    "lines that are no text": put("problem", "lines", value=[1, 2]),
    "name that is no text": put("problem", "name", value={}),
    "document of another kind": without(1, "problem"),
}


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden": [3000], "fourier": 3000},
        {"hidden": [3000], "harmonics": 3000, "periodic": {0: 1.0}},
        {"hidden": [3000, 2]},
        {"hidden": [30, 3000]},
    ],
)
def test_networks_larger_than_their_weights_are_refused_before_they_are_built(
    sizes: dict[str, Any],
) -> None:
    maps = {"in_features": 1, "out_features": 1}
    with pytest.raises(pl.FileFormatError, match="and 5000 weights"):
        require_small_network({**maps, **sizes}, (1, 1), 5000)


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_file_is_refused(name: str, path: Path) -> None:
    edited(path, EDITS[name])
    refusal(path)


def test_a_file_that_is_edited_to_the_same_is_sound(path: Path) -> None:
    edited(path, lambda *_: None)
    assert pl.load(path, problem()).rank == 9


@pytest.mark.parametrize("text", ["", "[1, 2]", "3", '{"a": ', "[" * 100_000, "9" * 10_000])
def test_documents_that_cannot_be_read_are_refused(
    text: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = read(path)
    path.unlink()
    monkeypatch.setattr("pdelsr.files.container.json.dumps", lambda _: text)
    write(path, contents)
    monkeypatch.undo()
    assert "document" in refusal(path)


def test_versions_to_come_are_named(path: Path) -> None:
    whole = path.read_bytes()
    (size,) = struct.unpack("<Q", whole[:8])
    metadata = json.loads(whole[8 : 8 + size])["__metadata__"]
    path.write_bytes(to_bytes(load_file(path), {**metadata, "version": "99; rm -r ."}))
    assert "has format version 99; rm -r ." in refusal(path)


def test_a_mistake_of_the_caller_is_none_of_the_file(path: Path) -> None:
    with pytest.raises(pl.SettingsError, match="device 'tpu' cannot be used here"):
        pl.load(path, problem(), device="tpu")
