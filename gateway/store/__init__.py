"""The store: accounts, domains, lists, subscriptions, keys and events, in SQLite or another database.

Nothing confidential rests unsealed: addresses and private keys are encrypted with a key of their account,
and found by a keyed hash (``keys``). A database that cannot serve is ``StoreAway``, and is tried anew at the
next call.
"""
