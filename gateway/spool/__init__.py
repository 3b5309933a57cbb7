"""The durable queue: group commit, one shard for each worker, compare-and-set on the state table."""
