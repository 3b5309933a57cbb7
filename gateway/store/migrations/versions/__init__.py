"""The steps; each is final once it was released."""
