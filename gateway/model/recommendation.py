"""A reader recommends a list to a friend: what may stand in the invitation, and who may be invited. Pure.

The rule that matters: the friend is a stranger who asked for nothing. So there is one invitation for each
list and friend, ever; it says who recommends, by name and by an address that is proved; and the name is a
name, the address a plain one: they reach strangers, and must carry no message.
"""

import re
import unicodedata
from enum import StrEnum

from gateway.model.address import Address
from gateway.model.values import dataclass

LONGEST_NAME = 60  # characters
_MOST_WORDS = 5
_BETWEEN = frozenset(" -.'\u2019\u00b7")  # Jean-Luc O'Neill Jr.
# A dot between letters makes a link of a name in most mail programs.
_LINK = re.compile(r"\.\S")


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Somebody recommends a list. ``language``: a tag, of the invitation."""

    account_id: int
    list_id: int
    by: bytes  # the hash of who recommends, at the account
    name: str
    address: Address  # of who recommends
    friend: Address
    language: str
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Invitation:
    """One invitation, with all that its letter says."""

    account_id: int
    list_id: int
    address_hash: bytes  # of the friend
    id: bytes  # 16 octets
    friend: Address
    name: str
    address: Address
    language: str
    account: str  # its name
    mail_list: str  # its name, or its List-Id where it has none
    list_identifier: str  # its List-Id
    description: str
    frequency: str


class Result(StrEnum):
    """What becomes of a recommendation; who made it never hears which."""

    INVITED = "invited"
    INVITED_BEFORE = "invited-before"
    KNOWN = "known"  # subscribed, waiting, or left: they know the list
    SUPPRESSED = "suppressed"
    NEVER = "never"  # they want no invitations
    OFTEN = "often"  # they were invited to other lists today


@dataclass(frozen=True, slots=True)
class KnownFriend:
    """All that decides about an invitation."""

    bound: bool  # there is, or was, a subscription or a sign-up
    suppressed: bool  # at the account, or by the provider for all
    invited: bool
    never: bool
    today: int  # invitations to any list of any account within a day


def result(friend: KnownFriend, most: int) -> Result:
    """Say what becomes of a recommendation; ``most``: invitations to one person in a day."""
    if friend.never:
        return Result.NEVER
    if friend.suppressed:
        return Result.SUPPRESSED
    if friend.bound:
        return Result.KNOWN
    if friend.invited:
        return Result.INVITED_BEFORE
    return Result.INVITED if friend.today < most else Result.OFTEN


def tidy_name(text: str) -> str:
    """Return a name with single blanks, or "" for what is no name: see ``is_name``."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    return name if is_name(name) else ""


def is_name(name: str) -> bool:
    """Whether this is what people are called: letters, few words, and nothing that is or makes a link."""
    if not 2 <= len(name) <= LONGEST_NAME or len(name.split()) > _MOST_WORDS or _LINK.search(name):
        return False
    letters = sum(one.isalpha() for one in name)
    return letters >= 2 and all(
        one.isalpha() or one in _BETWEEN or unicodedata.category(one) in {"Mn", "Mc"} for one in name
    )


def carries_no_message(address: Address) -> bool:
    """Whether a stranger may see this address: in quotes, or unseen, it can say more than who it is."""
    # RFC 5321 section 4.1.2: a Quoted-string may hold blanks, slashes, whole sentences.
    return not address.local.startswith('"') and str(address).isprintable()
