"""A message through the rewriting policies, in a process of its own with bounded time and memory.

What it promises: whatever the message does, a ``Result`` comes back: an exception, a crash of the
interpreter, a message that takes too long or too much memory are results too.
"""

import multiprocessing
import resource
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import policies
from gateway.mime.scan import scan
from gateway.mime.splice import apply
from gateway.model.address import Address
from gateway.model.delivery import Sender
from gateway.model.facts import (
    Account,
    AccountState,
    Client,
    ConsentLevel,
    MailList,
    MessageFacts,
    OverQuota,
    RewriteFacts,
)
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.verdict import Refuse
from gateway.pipeline.rewrite import rewrite
from gateway.pipeline.shelf import Shelf

SECONDS = 20.0  # for one message; a thousand times what the largest should take
_MEMORY = 4 * 1024**3  # octets of address space
LINK = "https://mail.example.org/u/AQEBAAAABwAAAAN-corpus"
_PREFIX = LINK.rpartition("/")[0] + "/"

_ACCOUNT = Account(
    7, "acme", AccountState.ACTIVE, "", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, frozenset(), (), None
)
_LIST = MailList(3, 7, "news.example.com", "Gr\u00fc\u00dfe & News")


def rewrite_facts() -> RewriteFacts:
    """Return what is known of a recipient who does not exist."""
    return RewriteFacts(
        account=_ACCOUNT,
        mail_list=_LIST,
        submission_id="01KDV8T400ABCDEFGHJKMNPQRS",
        recipient=Address("reader", "example.net"),
        client=Client("192.0.2.7", 50000, "client.example.com", "ESMTPSA", authenticated=True),
        hostname="mx.example.org",
        received_at=1767225600.5,
        unsubscribe_url=LINK,
        unsubscribe_mailto="mailto:unsubscribe@mx.example.org?subject=AQEB",
        abuse_url="https://mail.example.org/r/AQECAAAABwAAAAN-corpus",
        why_url="https://mail.example.org/w/AQEDAAAABwAAAAN-corpus",
        single_recipient=True,
    )


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a message. ``failure`` says what must not happen; the rest is empty then."""

    outcome: str = ""
    refused: str = ""
    after: bytes = b""
    grows: bool = False  # rewritten once more, it would get a second footer
    milliseconds: float = 0.0
    failure: str = ""


class Rewriter:
    """The process that rewrites, and its successors. A context manager."""

    def __init__(self, settings: Mapping[str, Mapping[str, object]]) -> None:
        self._settings = {name: dict(table) for name, table in settings.items()}
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Start with the first message."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._end()

    def rewrite(self, raw: bytes) -> Result:
        """Return what becomes of a message with CRLF line ends."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(self._settings,))
        try:
            return self._pool.submit(_rewritten, raw).result(timeout=SECONDS)
        except TimeoutError:
            self._end()
            return Result(failure=f"rewriting took more than {SECONDS:.0f} seconds")
        except BrokenProcessPool:
            self._end()
            return Result(failure="the rewriting process died")

    def _end(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)


# In the process that rewrites ------------------------------------------------------------------------------

_TABLES: dict[str, dict[str, object]] = {}


def _begin(settings: dict[str, dict[str, object]]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    _TABLES.update(settings)


@lru_cache(maxsize=1)
def _rewriting() -> tuple[Policy, ...]:
    """Return the policies that rewrite."""
    built = [build(_TABLES.get(name, {})) for name, build in policies.SHELF.items()]
    return tuple(one for one in built if one.rewrite is not None)


def _outcome(message: Message, **settings: object) -> str:
    table = _TABLES.get("footer", {}) | settings
    return policies.footer.explainer(table)(message, _PREFIX).outcome


def _rewritten(raw: bytes) -> Result:
    try:
        return _result(raw)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        return Result(failure=f"rewriting raised {type(error).__name__}")


def _result(raw: bytes) -> Result:
    rewriting = _rewriting()
    facts = rewrite_facts()
    start = time.process_time()
    message = scan(raw)
    refused = next((why for one in rewriting if (why := _refusal(one, message))), "")
    outcome = _outcome(message)
    after = apply(raw, rewrite(Shelf.of(rewriting), message, facts))
    spent = (time.process_time() - start) * 1000
    # A header alone does not count here: ours is in every message by now. And a link that counted because the
    # sender's own header names it counts no more.
    counts = outcome.startswith("added") and not message.all(b"list-unsubscribe")
    grows = counts and _outcome(scan(after), own_header_counts=False).startswith("added")
    return Result(outcome, refused, after, grows, spent)


def _refusal(policy: Policy, message: Message) -> str:
    if policy.message is None:
        return ""
    verdict = policy.message(message, MessageFacts(_ACCOUNT, Sender(None), "", _LIST, _PREFIX))
    return verdict.reason if isinstance(verdict, Refuse) else ""
