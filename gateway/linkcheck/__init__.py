"""Whether anybody answers at the hosts of senders' own unsubscribe links. Off unless an operator wants it."""
