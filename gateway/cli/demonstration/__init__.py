"""What ``consentry demo`` is made of: a next hop, a tenant with a mail program, a story, a gateway."""
