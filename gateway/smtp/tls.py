"""The server's certificate as a context for new connections, from octets that were read before.

What it promises: TLS 1.2 and later only. A reload builds a new context and puts it into the next
``SmtpContext``; connections that are open keep the one they began with.
How it fails: ``TlsUnusable`` names the file and says what is wrong with it; no secret is in the message.
"""

import os
import ssl
from collections.abc import Callable
from pathlib import Path

from gateway.settings.schema import TlsSection


class TlsUnusable(Exception):
    """The certificate or its key cannot be used; the message is for the operator."""


def server_context(
    section: TlsSection, read: Callable[[Path], bytes] = Path.read_bytes
) -> ssl.SSLContext | None:
    """Return a context with the configured certificate, None when none is configured."""
    if section.certificate is None:
        return None
    key = section.key or section.certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8314 section 4.1, RFC 8996
    # The cost of a renegotiation is the server's, so the client has no say in it.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        apart = key != section.certificate
        _load(context, read(section.certificate) + (b"\n" + read(key) if apart else b""))
    except ssl.SSLError as error:
        reason = error.reason or "not PEM, or the key does not belong to the certificate"
        raise TlsUnusable(f"{section.certificate} with {key}: {reason}") from error
    except OSError as error:
        raise TlsUnusable(f"{section.certificate} with {key}: {error.strerror}") from error
    return context


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    """Put a certificate and its key into the context, which takes them from a file only: one in memory."""
    with os.fdopen(os.memfd_create("certificate"), "wb") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
