"""Accounts, lists, subscriptions, keys and events: tables, queries, migrations, sealing."""
