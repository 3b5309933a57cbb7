"""The data files that come with the program: config/ of a checkout, gateway/shipped of an installed package.

``shipped("templates", "footer.html")`` names one; it is there, or the installation is broken.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2] / "config"


def shipped(*names: str) -> Traversable:
    """Return a file or folder of config/, wherever the program was installed to (setup.py puts it there)."""
    packaged = files("gateway") / "shipped"
    root: Traversable = packaged if packaged.is_dir() else _CHECKOUT
    return root.joinpath(*names)
