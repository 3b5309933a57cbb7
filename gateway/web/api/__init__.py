"""The HTTP API for programs of tenants, at /api/v1."""
