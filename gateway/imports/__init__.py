"""Imports: many addresses from a tenant's file, looked at as a whole before any of them counts."""
