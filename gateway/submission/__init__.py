"""The SMTP server that tenants use; the only importer of aiosmtpd."""
