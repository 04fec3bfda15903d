"""What pyproject.toml cannot say: problem files in the package, the README for a package index."""

import re
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?!https?:|mailto:|#)(?P<path>[^)\s]+)\)")


class BuildWithProblems(build_py):
    """The package with the folder of problem files as `pdelsr/problems`."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # then the files are found where they are
            for source, target in self._problems().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *self._problems().values()]

    def _problems(self) -> dict[str, str]:
        files = sorted(Path("problems").rglob("*.py"))
        return {str(f): str(Path(self.build_lib, "pdelsr", f)) for f in files}


def readme(repository: str) -> str:
    """The README with links and pictures that do not need the repository around it."""

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link["picture"] else "blob"
        return f"{link['picture']}[{link['text']}]({repository}/{kind}/HEAD/{link['path']})"

    return LINK.sub(absolute, Path("README.md").read_text(encoding="utf-8"))


project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
setup(
    cmdclass={"build_py": BuildWithProblems},
    long_description=readme(project["urls"]["Repository"]),
    long_description_content_type="text/markdown",
)
