"""Consentry: an outbound SMTP gateway that keeps an email provider's promises."""
