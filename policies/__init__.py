"""The shelf: every first-party policy, in the order in which they run."""
