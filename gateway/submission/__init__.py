"""The SMTP server that tenants use: who they are, and what they may send."""
