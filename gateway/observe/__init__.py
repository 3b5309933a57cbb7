"""Prometheus metrics and structured logs, with addresses redacted."""
