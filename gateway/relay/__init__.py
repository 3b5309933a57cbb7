"""From the spool to the next hop: scheduler, routes, client, outcome, back-off, DSN."""
