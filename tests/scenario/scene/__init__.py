"""The scenery of the scenarios: a gateway's folder with its real process tree, and a next hop that keeps mail."""

from scene.browser import NODE, PHONE, SHOTS, Browser, picture
from scene.house import PASSWORD, House
from scene.letters import newsletter
from scene.sink import Received, Sink
from scene.template import READERS, furnish
from scene.waiting import PATIENCE, eventually, free_port

__all__ = [
    "NODE",
    "PASSWORD",
    "PATIENCE",
    "PHONE",
    "READERS",
    "SHOTS",
    "Browser",
    "House",
    "Received",
    "Sink",
    "eventually",
    "free_port",
    "furnish",
    "newsletter",
    "picture",
]
