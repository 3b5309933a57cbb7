"""A smarthost as the client needs it: where it is, how TLS is meant, who we are there.

What it promises: the TLS context is built once and the password is read at each log-in, so that a new
password is taken without a restart. Both touch files: call them in a thread; OSError is theirs.
"""

import ssl
from enum import Enum
from functools import cached_property

from gateway.settings.schema import SmarthostSection
from gateway.settings.secret_files import read_secret


class TlsMode(Enum):
    """How the connection to a smarthost is protected."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"  # STARTTLS where it works, and no look at the certificate
    REQUIRE = "require"
    IMPLICIT = "implicit"


class Target:
    """One ``[[relay.smarthost]]``."""

    def __init__(self, section: SmarthostSection) -> None:
        self.host = section.host
        self.port = section.port
        self.tls = TlsMode(section.tls)
        self.username = section.username
        self.label = section.host if section.port == 25 else f"{section.host}:{section.port}"
        self._section = section

    def context(self) -> ssl.SSLContext:
        """Return the TLS context; the certificate is checked with ``require`` and ``implicit`` only."""
        return self._context

    @cached_property
    def _context(self) -> ssl.SSLContext:
        ca_file = self._section.ca_file
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        if self.tls is TlsMode.OPPORTUNISTIC or not self._section.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def password(self) -> str:
        """Return the password of the log-in, without the line end of its file."""
        if self._section.password_file is None:
            return ""
        return read_secret(str(self._section.password_file)).decode().rstrip("\r\n")
