"""Every message can be left by its header: List-Unsubscribe with one click, and whom to tell of abuse.

What it puts on top: List-Unsubscribe and List-Unsubscribe-Post (RFC 2369 section 3.2, RFC 8058 section 3.1),
List-Id (RFC 2919), Feedback-ID (Gmail's rates for each newsletter), and ``X-Report-Abuse``: no RFC has a
field for an abuse page's URL (RFC 9477's CFBL-Address takes a mailbox); this is the name that large senders
use and abuse desks look for, here with the URL in angle brackets as in the List-* fields. The sender's own
fields of these names are replaced, because two of them mean neither. What becomes of the sender's own
List-Unsubscribe is ``own``'s matter; in each mode, who leaves by our link is not written to again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Literal

from pydantic import StringConstraints

from gateway.mime.headers import LINE_LIMIT, newsletter_named, one_line, phrase, printable, structured
from gateway.mime.lastplan import LastPlan
from gateway.model.facts import RewriteFacts
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.splice import Splice
from policies.table import Table
from policies.way_out.header import OwnHeader, own_header

REPLACED = frozenset(
    {b"list-unsubscribe", b"list-unsubscribe-post", b"list-id", b"feedback-id", b"x-report-abuse"}
)
_LONGEST_NAME = 200  # characters of a list's name in List-Id
_LONGEST_LABEL = 60  # characters of one label of Feedback-ID
_NOT_IN_LABEL = re.compile(r"[^A-Za-z0-9._-]+")
_NOT_IN_ID = re.compile(r"[^!-;=?-~]+")

_LEAVING = frozenset({b"list-unsubscribe", b"list-unsubscribe-post"})
_NAME = "List-Unsubscribe"

Own = Literal["replace", "keep", "augment"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to a message, whoever gets it.

    ``kept``: the sender's List-Unsubscribe stays as it is; ``beside``: links of theirs that follow ours.
    """

    newsletter: str
    removals: tuple[Splice, ...]
    kept: bool
    beside: tuple[str, ...]


class Settings(Table):
    """``[list_headers]``."""

    # Gmail counts under it; the same for all mail of this provider.
    feedback_sender: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{5,15}$")] = "consentry"
    own: Own = "replace"  # what becomes of the sender's List-Unsubscribe
    reserved_hosts: tuple[str, ...] = ()  # top-level names of RFC 2606 that count as real


def _plan(message: Message, *, own: Own, reserved: frozenset[str]) -> Plan:
    theirs = OwnHeader() if own == "replace" else own_header(message, reserved)
    kept = own == "keep" and theirs.one_click
    replaced = REPLACED - _LEAVING if kept else REPLACED
    removals = [Splice(one.start, one.end, b"") for one in message.fields if one.name in replaced]
    beside = theirs.links if own == "augment" else ()
    return Plan(newsletter_named(message), tuple(removals), kept, beside)


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[list_headers]`` of policy.toml."""
    table = Settings.model_validate(settings)
    plan_of = LastPlan(partial(_plan, own=table.own, reserved=frozenset(table.reserved_hosts)))

    def rewrite(message: Message, facts: RewriteFacts) -> Sequence[Splice]:
        """Put in our list fields, with this recipient's own link."""
        if "no-header" in message.defects:
            return ()
        plan = plan_of(message)
        ours = (
            *(() if plan.kept else _leaving(facts, plan.beside)),
            _list_id(facts.mail_list.name, facts.mail_list.list_id),
            _feedback_id(plan.newsletter or facts.submission_id, facts, table.feedback_sender),
            one_line("X-Report-Abuse", f"<{facts.abuse_url}>"),
        )
        return (Splice(0, 0, b"".join(ours)), *plan.removals)

    return Policy("list_headers", rewrite=rewrite)


def _leaving(facts: RewriteFacts, beside: Sequence[str]) -> tuple[bytes, bytes]:
    """Return the two fields by which a mail program leaves; ours stands first (RFC 2369 section 2)."""
    links = f"<{facts.unsubscribe_url}>, <{facts.unsubscribe_mailto}>"
    for link in beside:
        more = f"{links}, <{link}>"
        if len(more) + len(_NAME) + 2 <= LINE_LIMIT:
            links = more
    return one_line(_NAME, links), b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


@lru_cache(maxsize=256)
def _list_id(name: str, list_id: str) -> bytes:
    shown = phrase(printable(name)[:_LONGEST_NAME])
    return structured("List-Id", f"{shown} <{_NOT_IN_ID.sub('-', list_id)}>".lstrip())


def _feedback_id(newsletter: str, facts: RewriteFacts, sender: str) -> bytes:
    labels = (_label(newsletter), _label(facts.mail_list.list_id), _label(facts.account.name), sender)
    return f"Feedback-ID: {':'.join(labels)}\r\n".encode("ascii")


@lru_cache(maxsize=1024)
def _label(text: str) -> str:
    return _NOT_IN_LABEL.sub("-", text)[:_LONGEST_LABEL]
