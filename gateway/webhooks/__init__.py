"""Tells tenants' programs what happens: signed, in order, at least once."""
