"""A smarthost as the client needs it: where it is, how TLS is meant, who we are there.

What it promises: the password and the authorities are those of the config in force, read when that was
accepted: a file that is changed, or lost, later counts with the next reload, as every other does. It fails
with OSError when it is made. The TLS context is built once; that takes its time, so call it in a thread.
"""

import ssl
from enum import Enum
from functools import cached_property

from gateway.settings.files import Files
from gateway.settings.schema import SmarthostSection


class TlsMode(Enum):
    """How the connection to a smarthost is protected."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"  # STARTTLS where it works, and no look at the certificate
    REQUIRE = "require"
    IMPLICIT = "implicit"


class Target:
    """One ``[[relay.smarthost]]``."""

    def __init__(self, section: SmarthostSection, files: Files) -> None:
        self.host = section.host
        self.port = section.port
        self.tls = TlsMode(section.tls)
        self.username = section.username
        self.label = section.host if section.port == 25 else f"{section.host}:{section.port}"
        self.password = _password(section, files)
        self._verify = section.verify
        self._authorities = None if section.ca_file is None else files.read(section.ca_file).decode("ascii")

    @property
    def secrets(self) -> tuple[str, str | None]:
        """What makes it another one though its section is the same."""
        return self.password, self._authorities

    def context(self) -> ssl.SSLContext:
        """Return the TLS context; the certificate is checked with ``require`` and ``implicit`` only."""
        return self._context

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self._authorities)
        if self.tls is TlsMode.OPPORTUNISTIC or not self._verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _password(section: SmarthostSection, files: Files) -> str:
    """Return the password of the log-in, without the line end of its file."""
    if section.password_file is None:
        return ""
    return files.secret(str(section.password_file)).decode().rstrip("\r\n")
