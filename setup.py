"""Builds what `pip install .` installs: one package `primer` with the folders of the repository in it; see primer.py.

All else is in setup.cfg.
"""

import os
import shutil

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py


class BuildPrimer(build_py):
    """Copies code and configs into `primer/`; an editable installation finds them where they are."""

    def finalize_options(self) -> None:
        """Chooses the folder."""
        super().finalize_options()
        self._root = self.build_lib
        if not self.editable_mode:
            self.build_lib = os.path.join(self._root, "primer")

    def run(self) -> None:
        """Copies, without what earlier builds have left, which would be installed as well."""
        if not self.editable_mode:
            shutil.rmtree(self._root, ignore_errors=True)
        super().run()

    def get_module_outfile(self, build_dir: str, package: str | list[str] | tuple[str, ...], module: str) -> str:
        """Returns where a module goes: primer.py becomes the package itself."""
        is_package = module == "primer" and not any(package) and not self.editable_mode
        return super().get_module_outfile(build_dir, package, "__init__" if is_package else module)


class OnePackage(Distribution):
    """Says that the package is the one name that is installed."""

    def iter_distribution_names(self) -> list[str]:
        """Returns the names."""
        return ["primer"]


setup(cmdclass={"build_py": BuildPrimer}, distclass=OnePackage)
