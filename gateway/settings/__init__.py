"""The two config files as frozen values: schema, loading with errors that name file, key and line, reload."""
