"""The way of a message until it is kept: gather, judge, rewrite, accept."""
