"""MkDocs hook: TeX that arithmatex found becomes MathML, which browsers show without a script."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
DISPLAY = re.compile(r'<div class="arithmatex">\\\[(.*?)\\\]</div>', re.DOTALL)
TAG = re.compile(r"\\tag\{(\w+)\}")
NUMBERED = re.compile(r"^\$\$(?:(?!\$\$).)*?\\tag\{(\w+)\}", re.DOTALL | re.MULTILINE)


def on_page_markdown(text: str, **_: object) -> str:
    """Put an anchor before every numbered formula, where MkDocs can check the links to it."""
    return NUMBERED.sub(lambda found: f'<a id="eq-{found[1]}"></a>\n\n{found[0]}', text)


def on_page_content(text: str, **_: object) -> str:
    """Replace every formula of a page; MkDocs calls this with the page's HTML."""
    text = DISPLAY.sub(lambda found: displayed(html.unescape(found[1])), text)
    return INLINE.sub(lambda found: convert(html.unescape(found[1]).strip()), text)


def displayed(tex: str) -> str:
    """A formula on a line of its own, with its number at the right."""
    tag = TAG.search(tex)
    formula = convert(TAG.sub("", tex).strip(), display="block")
    number = f"<span>({tag[1]})</span>" if tag else ""
    return f'<div class="equation">{formula}{number}</div>'
