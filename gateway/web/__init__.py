"""The pages behind the links, health and metrics over HTTP."""
