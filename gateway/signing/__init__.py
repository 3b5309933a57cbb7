"""DKIM and its keys; the only importer of dkim."""
