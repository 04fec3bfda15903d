"""The page about architecture names the folders and files that there are."""

from __future__ import annotations

import re
from pathlib import Path

from test_import_direction import ORDER, PACKAGE

ROOT = PACKAGE.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def tree() -> list[Path]:
    """The paths in the tree block, by its indentation of two spaces a level."""
    block = PAGE.split("## The tree")[1].split("## ")[0]
    found: list[Path] = []
    above: list[str] = []
    for indent, name in re.findall(r"^    ( *)([\w./]+)", block, re.MULTILINE):
        above = [*above[: len(indent) // 2], name.rstrip("/")]
        found.append(Path(*above))
    return found


def folders_and_top_files() -> set[Path]:
    """Of the package: folders that hold Python files, and the files beside them."""
    files = [path.relative_to(ROOT) for path in PACKAGE.rglob("*.py")]
    return {f.parent for f in files} | {f for f in files if f.parent == Path("pdelsr")}


def test_the_tree_is_the_one_on_disk() -> None:
    named = tree()
    assert len(set(named)) == len(named)
    assert {path for path in named if path.parts[0] == "pdelsr"} == folders_and_top_files()
    assert all((ROOT / path).exists() for path in named)


def test_the_order_of_imports_is_the_one_that_is_checked() -> None:
    block = PAGE.split("## Imports point one way")[1].split("A stage imports")[0]
    assert re.findall(r"\w+", block) == ORDER


def test_delayed_imports_are_listed() -> None:
    listed = PAGE.split("Imports are delayed")[1].split("In every folder")[0]
    named = set(re.findall(r"`([\w/]+\.py)`", listed))
    delayed = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"(?<!def )\bimport_module\(", path.read_text(encoding="utf-8"))
    }
    assert named == delayed
