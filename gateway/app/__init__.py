"""The composition root: the one place that builds things, and owns the task group of each process."""
