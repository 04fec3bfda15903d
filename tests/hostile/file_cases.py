"""Problem files that cannot be read, that fail, or that define something else."""

from __future__ import annotations

from case import LINE, Case
from problem_texts import rod

DEFINES_NONE = ("defines no `problem`", r"^p\.py ", r"end it with problem = pl\.Problem\(")


def raising(line: str, what: str, how: str = "mend that line", where: str = LINE) -> Case:
    """A file one line of which fails."""
    return Case(line.splitlines()[-1], what, where, how, rod(line))


FILES = [
    Case(
        "open bracket",
        "'\\(' was never closed",
        r"p\.py, line 2",
        "mend that line",
        "import pdelsr as pl\nproblem = pl.Problem(\n",
    ),
    Case("indentation", "unexpected indent", r"line 2", "mend that line", "x = 1\n  problem = 3\n"),
    Case(
        "tabs and spaces",
        "tabs and spaces",
        "line 3",
        "mend that line",
        "if True:\n\tx = 1\n        y = 2\n",
    ),
    Case("braces", "not a chance", "line 1", "mend", "from __future__ import braces\n"),
    Case("latin-1", "codec|encoding|utf-8", r"p\.py", "UTF-8", 'a = "é"\n'.encode("latin-1")),
    Case(
        "unknown coding",
        "klingon",
        r"p\.py",
        "UTF-8",
        b"# -*- coding: klingon -*-\nproblem = 3\n",
    ),
    Case("null bytes", "null bytes", r"p\.py", "UTF-8", b"problem = 3\x00\n"),
    Case("binary", "cannot read it", r"p\.py", "UTF-8", bytes(range(256)) * 10),
    Case("an image", "cannot read it", r"p\.py", "UTF-8", b"\x89PNG\r\n\x1a\n" + bytes(100)),
    Case("deep nesting", "too many nested", "line 1", "mend", "problem = " + "(" * 500 + ")" * 500),
    Case(
        "deep expression", "MemoryError|nested|recursion", r"p\.py", "", "x = " + "-" * 99999 + "1"
    ),
    Case("empty", *DEFINES_NONE, ""),
    Case("only a comment", *DEFINES_NONE, "# later\n"),
    Case("misspelled", *DEFINES_NONE, "problen = 3\n"),
    Case("a text", "`problem` is str", r"p\.py", r"expected a pl\.Problem", "problem = 'rod'\n"),
    Case("none", "`problem` is NoneType", r"p\.py", r"expected a pl\.Problem", "problem = None\n"),
    Case(
        "the class",
        "`problem` is type",
        r"p\.py",
        r"expected a pl\.Problem",
        "import pdelsr as pl\nproblem = pl.Problem\n",
    ),
    Case(
        "a function",
        "is function",
        r"p\.py",
        r"expected a pl\.Problem",
        "def problem():\n    pass\n",
    ),
    raising("k = 1 / 0", "ZeroDivisionError: division by zero", where=r"p\.py, line 11"),
    raising("import neighbour_that_is_not", "neighbour_that_is_not", "put it beside the file"),
    raising("from math import nonsense", "cannot import name 'nonsense'"),
    raising("v = pl.unknwon('v', x)", "no attribute 'unknwon'", "did you mean 'unknown'"),
    raising("v = unknow", "name 'unknow' is not defined", "check the spelling"),
    raising("def f(n):\n    return f(n + 1)\nf(0)", "RecursionError"),
    raising("raise SystemExit(0)", "SystemExit: 0", "must not end Python"),
    raising("raise GeneratorExit", "GeneratorExit"),
    raising("class Own(BaseException):\n    pass\nraise Own('mine')", "Own: mine"),
    raising("k = sp.sin('x y z')", "SympifyError: .*could not parse 'x y z'"),
    raising("k = 1 if x > 0 else 2", "truth value of Relational: x > 0"),
    raising("k = bytearray(10**15)", "MemoryError"),
    raising("assert False", "AssertionError"),
    raising("raise ValueError('a\\n\\nb')", "ValueError: a b"),
    raising("raise ValueError('long ' * 1000)", "ValueError: (long )+…"),
    raising(
        "class Bad(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Bad",
        "fails with Bad",
    ),
    raising("open('nowhere.csv')", "FileNotFoundError: .*nowhere.csv"),
    raising("problem = pl.Problem()", "missing .*required"),
    raising("problem = pl.Problem(conditons=[])", "conditons|missing .*required"),
]
