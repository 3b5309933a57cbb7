"""The SMTP server that submission and inbound share; the only importer of aiosmtpd."""
