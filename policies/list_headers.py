"""Every message can be left by its header: List-Unsubscribe with one click, and whom to tell of abuse.

What it puts on top: List-Unsubscribe and List-Unsubscribe-Post (RFC 2369 section 3.2, RFC 8058 section 3.1),
List-Id (RFC 2919), Feedback-ID (Gmail's rates for each newsletter), and ``X-Report-Abuse``: no RFC has a
field for an abuse page's URL (RFC 9477's CFBL-Address takes a mailbox); this is the name that large senders
use and abuse desks look for, here with the URL in angle brackets as in the List-* fields. The sender's own
fields of these names are replaced, because two of them mean neither.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints

from gateway.mime.headers import newsletter_named, one_line, phrase, printable, structured
from gateway.mime.lastplan import LastPlan
from gateway.model.facts import RewriteFacts
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.splice import Splice
from policies.table import Table

REPLACED = frozenset(
    {b"list-unsubscribe", b"list-unsubscribe-post", b"list-id", b"feedback-id", b"x-report-abuse"}
)
_LONGEST_NAME = 200  # characters of a list's name in List-Id
_LONGEST_LABEL = 60  # characters of one label of Feedback-ID
_NOT_IN_LABEL = re.compile(r"[^A-Za-z0-9._-]+")
_NOT_IN_ID = re.compile(r"[^!-;=?-~]+")

Plan = tuple[str, tuple[Splice, ...]]
"""The newsletter that the message names, and what is removed from it."""


class Settings(Table):
    """``[list_headers]``."""

    # Gmail counts under it; the same for all mail of this provider.
    feedback_sender: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{5,15}$")] = "consentry"


def _plan(message: Message) -> Plan:
    removals = [Splice(one.start, one.end, b"") for one in message.fields if one.name in REPLACED]
    return newsletter_named(message), tuple(removals)


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[list_headers]`` of policy.toml."""
    sender = Settings.model_validate(settings).feedback_sender
    plan = LastPlan(_plan)

    def rewrite(message: Message, facts: RewriteFacts) -> Sequence[Splice]:
        """Replace the sender's list fields by ours, with this recipient's own link."""
        if "no-header" in message.defects:
            return ()
        newsletter, removals = plan(message)
        links = f"<{facts.unsubscribe_url}>, <{facts.unsubscribe_mailto}>"
        ours = (
            one_line("List-Unsubscribe", links),
            b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            _list_id(facts.mail_list.name, facts.mail_list.list_id),
            _feedback_id(newsletter or facts.submission_id, facts, sender),
            one_line("X-Report-Abuse", f"<{facts.abuse_url}>"),
        )
        return (Splice(0, 0, b"".join(ours)), *removals)

    return Policy("list_headers", rewrite=rewrite)


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
