"""What the store does not do, and why: errors whose text is for the operator who asked."""


class StoreRefusal(Exception):
    """The change was not made; the message says why, in one sentence."""


class AlreadyThere(StoreRefusal):
    """There is one of that name."""


class NoSuchAccount(StoreRefusal):
    """No account has that name or number."""


class NoSuchDomain(StoreRefusal):
    """The domain is not registered."""


class NoSuchList(StoreRefusal):
    """The account has no list of that List-Id."""


class NoSuchKey(StoreRefusal):
    """No API key has that id."""


class NoSuchWebhook(StoreRefusal):
    """No webhook has that id."""


class NoSuchErasure(StoreRefusal):
    """Nothing is, or was, erased under that id."""


class TooMany(StoreRefusal):
    """There are as many of them as there may be."""


class BadName(StoreRefusal):
    """A name that breaks its rules; the message tells them."""


class HasLeft(StoreRefusal):
    """The person left the list, and only they can come back: by a confirmation of their own."""


class StoreTooNew(StoreRefusal):
    """The tables were made by a later version of the program."""


class OtherRules(StoreRefusal):
    """The store's hashes were made under other rules of spelling than the config names."""


class IsCancelled(StoreRefusal):
    """The account is cancelled: only restoring it changes that, and only in time."""


class NotCancelled(StoreRefusal):
    """There is nothing to restore."""


class Suspended(StoreRefusal):
    """The account may not write to anybody now."""
