"""The server's certificate as a context for new connections.

What it promises: TLS 1.2 and later only. A reload builds a new context and puts it into the next
``SmtpContext``; connections that are open keep the one they began with.
How it fails: ``TlsUnusable`` names the file and says what is wrong with it; no secret is in the message.
"""

import ssl

from gateway.settings.schema import TlsSection


class TlsUnusable(Exception):
    """The certificate or its key cannot be used; the message is for the operator."""


def server_context(section: TlsSection) -> ssl.SSLContext | None:
    """Return a context with the configured certificate, None when none is configured."""
    if section.certificate is None:
        return None
    key = section.key or section.certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8314 section 4.1, RFC 8996
    # The cost of a renegotiation is the server's, so the client has no say in it.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        context.load_cert_chain(section.certificate, key)
    except ssl.SSLError as error:
        reason = error.reason or "not PEM, or the key does not belong to the certificate"
        raise TlsUnusable(f"{section.certificate} with {key}: {reason}") from error
    except OSError as error:
        raise TlsUnusable(f"{section.certificate} with {key}: {error.strerror}") from error
    return context
