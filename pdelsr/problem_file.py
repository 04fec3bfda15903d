"""Problem files: finding one, running it, and explaining in one paragraph what is wrong with it."""

from __future__ import annotations

import ast
import math
import runpy
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from pdelsr.declare import Problem
from pdelsr.errors import PdelsrError, ProblemError, SettingsError, described, did_you_mean
from pdelsr.resources.deadline import deadline
from pdelsr.resources.time_is_up import TimeIsUp

FOLDER = Path("problems")
NUMERIC = ("which has no callable", "Cannot convert expression to float")  # np.sin, math.sin
SKELETON = "problem = pl.Problem(name=..., domain=..., equations=..., conditions=...)"


@dataclass(frozen=True)
class Listed:
    """A problem file in a list.

    Args:
        path: of the file.
        title: first line of its docstring; empty if it has none.
    """

    path: Path
    title: str


def load_problem(given: str | Path, time_limit: int | float = math.inf) -> Problem:
    """Load the `problem` that a Python file defines.

    Args:
        given: path of the file, or its name without the ending, for a file in ./problems or one
            that comes with pdelsr.
        time_limit: seconds after which the file is interrupted; see `deadline`.

    Raises:
        ProblemError: the file does not exist, fails, defines no problem, or exceeds the time limit;
            the message names the line.
        SettingsError: the time limit is not a positive number.

    Example:
        >>> load_problem("poisson_2d").name
        'poisson_2d'
    """
    if not isinstance(time_limit, int | float) or not time_limit > 0:
        raise SettingsError(
            f"load_problem: the time limit is {time_limit!r}, expected seconds. Values of "
            "parameters are set by load_problem(path).with_parameters(nu=0.01)."
        )
    path = find_file(given)
    sys.path.insert(0, str(path.parent))  # as `python FILE` does, so that it can import neighbours
    try:
        with deadline(time_limit):
            namespace = runpy.run_path(str(path), run_name="pdelsr_problem")
    except SyntaxError as error:
        raise ProblemError(_unreadable(path, error)) from error
    except PdelsrError as error:
        raise type(error)(f"{_place(path, error)}: {error}") from error
    except ValueError as error:
        if "null bytes" not in str(error):  # a SyntaxError in later versions of Python
            raise ProblemError(_failing(path, error)) from error
        raise ProblemError(
            f"{path}: Python cannot read it ({error}); save it as text in UTF-8."
        ) from error
    except KeyboardInterrupt:
        raise
    except TimeIsUp as error:
        raise ProblemError(
            f"{_place(path, error)}: the file was still running after {time_limit:g} s; look for "
            "an endless loop there, or raise the time limit."
        ) from error
    except OSError as error:
        if error.filename not in (str(path), None):
            raise ProblemError(_failing(path, error)) from error
        raise ProblemError(
            f"{path} cannot be read: {error.strerror}; give a file that you may read."
        ) from error
    except BaseException as error:
        raise ProblemError(_failing(path, error)) from error
    finally:
        sys.path.remove(str(path.parent))
    return _require_problem(path, namespace.get("problem"), "problem" in namespace)


def find_file(given: str | Path) -> Path:
    """The file of this path or, for a bare name, NAME.py in ./problems or in pdelsr.

    Raises:
        ProblemError: there is none; the message suggests similar names.
    """
    if not str(given):
        raise ProblemError("the problem file is '': give its path, or the name of a problem.")
    path = Path(given)
    if path.is_file():
        return path
    folders = [folder for folder in (FOLDER, shipped_folder()) if folder.is_dir()]
    if path.suffix == "" and path.parent == Path():
        for folder in folders:
            if (folder / f"{given}.py").is_file():
                return folder / f"{given}.py"
    if path.is_dir():
        raise ProblemError(f"{given} is a folder; give a Python file that defines `problem`.")
    names = [listed.path.stem for folder in folders for listed in list_problems(folder)]
    names = list(dict.fromkeys(names))
    known = f"there are {', '.join(names)}." if names else "give the path of a problem file."
    raise ProblemError(f"there is no file {given}: {did_you_mean(path.stem, names, known)}")


def problem_folder() -> Path:
    """./problems if it exists, otherwise the folder of problems that comes with pdelsr."""
    return FOLDER if FOLDER.is_dir() else shipped_folder()


def shipped_folder() -> Path:
    """The folder of pdelsr's problem files: in the package, or beside it in the repository."""
    package = Path(__file__).parent
    inside, beside = package / FOLDER, package.parent / FOLDER
    is_repository = (package.parent / "pyproject.toml").is_file()
    return beside if is_repository and not inside.is_dir() else inside


def list_problems(folder: Path) -> list[Listed]:
    """The Python files of a folder that define `problem`, without hidden ones; none is run.

    Raises:
        ProblemError: the folder does not exist.
    """
    if not folder.is_dir():
        raise ProblemError(f"there is no folder {folder}; give one that holds problem files.")
    shown = (path for path in sorted(folder.glob("*.py")) if not path.name.startswith("."))
    found = (_listed(path) for path in shown)
    return [listed for listed in found if listed is not None]


def _listed(path: Path) -> Listed | None:
    try:
        tree = ast.parse(path.read_bytes())  # bytes, because the file may declare its encoding
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return Listed(path, "(Python cannot read it)")
    targets: list[ast.expr] = []
    for node in tree.body:
        targets += node.targets if isinstance(node, ast.Assign) else ()
        targets += [node.target] if isinstance(node, ast.AnnAssign) else ()
    if not any(isinstance(t, ast.Name) and t.id == "problem" for t in targets):
        return None
    lines = (ast.get_docstring(tree) or "").splitlines()
    return Listed(path, lines[0] if lines else "")


def _require_problem(path: Path, problem: object, defined: bool) -> Problem:
    if not defined:
        raise ProblemError(f"{path} defines no `problem`: end it with {SKELETON}.")
    if not isinstance(problem, Problem):
        raise ProblemError(
            f"{path}: `problem` is {type(problem).__name__}, expected a pl.Problem: {SKELETON}."
        )
    return problem


def _unreadable(path: Path, error: SyntaxError) -> str:
    """The message for a file that is not Python."""
    where = f"{error.filename or path}, line {error.lineno}" if error.lineno else str(path)
    if not error.lineno or "codec" in error.msg or "encoding" in error.msg:
        advice = "save it as text in UTF-8"
    else:
        advice = "mend that line, or the one before it"
    return f"{where}: Python cannot read it ({error.msg}); {advice}."


def _failing(path: Path, error: BaseException) -> str:
    """The message for a file that raises an error."""
    return f"{_place(path, error)}: the file fails with {described(error)}; {_advice(error)}."


def _advice(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "a problem file must not end Python, so remove that"
    if isinstance(error, ModuleNotFoundError):
        return f"install {error.name}, or put it beside the file"
    if isinstance(error, AttributeError | NameError):
        otherwise = "check the spelling, and what is imported"
        return did_you_mean(str(error.name), _names(error), otherwise).rstrip("?")
    if isinstance(error, TypeError) and any(sign in str(error) for sign in NUMERIC):
        return "functions of symbols come from sympy, as sp.sin(x), not from numpy or math"
    return "mend that line"


def _names(error: AttributeError | NameError) -> list[str]:
    """Names that the user may have meant."""
    return dir(error.obj) if isinstance(error, AttributeError) else []


def _place(path: Path, error: BaseException) -> str:
    """The last executed line of the file."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.lineno for f in frames if Path(f.filename) == path]
    return f"{path}, line {lines[-1]}" if lines else str(path)
