"""Connections to where strangers' URLs lead: to the public internet only, and none holds up another's."""
