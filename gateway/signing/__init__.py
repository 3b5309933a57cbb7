"""DKIM at delivery (RFC 6376, RFC 8463): canonical forms, keys, and the signer."""
