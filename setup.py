"""What pyproject.toml cannot say of a build: every package of lwlint is found, and its own rules are compiled into the wheel.

Without PyYAML at hand (a build without isolation) the step is left out; the first run then keeps the compiled form in its cache.
The mark that lwlint has types (PEP 561) is made here, too, so that the folder of the package holds its rooms and nothing else.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py


class Build(build_py):
    """Copy the packages, then compile the rules that were copied."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            Path(self.build_lib, "lwlint", "py.typed").touch()
        if not self.editable_mode and find_spec("yaml") is not None:
            sys.path.insert(0, self.build_lib)
            try:
                from lwlint.policy import compiled

                compiled.write(str(Path(self.build_lib) / "lwlint_rules"))
            finally:
                sys.path.remove(self.build_lib)


setup(cmdclass={"build_py": Build}, packages=[*find_packages(include=["lwlint", "lwlint.*"]), "lwlint_rules"])
