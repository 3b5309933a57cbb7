"""The MX side: an SMTP server for strangers, which takes mail for the house's own mailboxes only."""
