"""The one thing that pyproject.toml cannot say: config/ goes into the package as gateway/shipped.

config/ stays at the top of the checkout, where people look for it; ``gateway.settings.shipped`` finds it in
either place. An editable install reads it where it lies, so nothing is copied for it.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SOURCE = Path(__file__).parent / "config"


class BuildWithConfig(build_py):
    """Copies config/ beside the modules."""

    def run(self) -> None:
        """Build the modules, then the data."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "gateway" / "shipped"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(SOURCE, target)


setup(cmdclass={"build_py": BuildWithConfig})
