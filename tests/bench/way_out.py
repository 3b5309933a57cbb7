"""Milliseconds of CPU of rewriting one message whose text nobody has seen before, and of one that was.

    make bench-way-out

All rewriting policies and the footer's rule, on messages that are scanned already; each text differs from all
others, as where a tenant merges names in. Of several rounds the best one counts. Beside it the parts of it that
are other people's: the HTML parser, and the tokenizer of a style sheet that is new.
"""

import gc
import time
from collections.abc import Callable, Sequence

import tinycss2
from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

from gateway.mime.scan import scan
from gateway.model.address import Address
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
from gateway.pipeline.rewrite import rewrite
from gateway.pipeline.shelf import Shelf
from policies import SHELF

OURS = "https://mail.example.org/u/"
ACCOUNT = Account(
    7, "acme", AccountState.ACTIVE, "", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, frozenset(), (), None
)
FACTS = RewriteFacts(
    account=ACCOUNT,
    mail_list=MailList(3, 7, "news.example.com", "News"),
    submission_id="01KDV8T400ABCDEFGHJKMNPQRS",
    recipient=Address("reader", "example.net"),
    client=Client("192.0.2.7", 50000, "client.example.com", "ESMTPSA", authenticated=True),
    hostname="mx.example.org",
    received_at=1767225600.5,
    unsubscribe_url=OURS + "A" * 60,
    unsubscribe_mailto="mailto:unsubscribe@mx.example.org?subject=T",
    abuse_url="https://mail.example.org/r/T",
    why_url="https://mail.example.org/w/T",
    single_recipient=True,
)
MESSAGE_FACTS = MessageFacts(ACCOUNT, None, "", None, OURS)  # type: ignore[arg-type]  # no sender is looked at
SHEET = "".join(
    f".c{n} td{{padding:{n}px;color:#333}}@media (max-width:{n}px){{.d{n}{{display:none!important}}}}\r\n"
    for n in range(40)
)
ROW = (
    '<tr><td style="padding:10px;font-family:Arial,sans-serif;font-size:14px;line-height:20px;color:#333333" align="left">'
    '<p style="margin:0 0 10px">Some words about the product &amp; more of them, that go on for a while.</p>'
    '<a href="https://click.example.com/ls/click?upn=abcdefghijklmnopqrstuvwxyz0123456789" style="color:#1155cc">Read</a>'
    "</td></tr>\r\n"
)
LINE = "Some words about the product, that go on for a while\r\nhttps://click.example.com/ls/abc\r\n\r\n"
LINK = '<a href="https://x.example.com/unsub?u=1">Unsubscribe</a>'
FEET = {
    "html": {
        "a link of the sender's": LINK,
        "none": "Bye",
        "a placeholder": '<a href="{{unsubscribe_url}}">Unsubscribe</a>',
        "a hidden one": f'<p style="display:none">{LINK}</p>',
    },
    "plain": {
        "a link of the sender's": "Unsubscribe: https://x.example.com/unsub\r\n",
        "none": "Bye\r\n",
        "a placeholder": "Unsubscribe: {{unsubscribe_url}}\r\n",
    },
}  # fmt: skip


def html(octets: int, foot: str, number: int) -> str:
    """Return a newsletter of about that many octets."""
    head = f"<html><head><style>{SHEET[: octets // 8]}}}}}</style></head><body><table><tr><td>Dear {number}</td></tr>\r\n"
    tail = f"</table><div class=foot><table><tr><td style='font-size:11px;color:#777'>{foot}</td></tr></table></div></body></html>"
    return head + ROW * max(1, (octets - len(head) - len(tail)) // len(ROW)) + tail


def plain(octets: int, foot: str, number: int) -> str:
    """Return a plain text of about that many octets."""
    return f"Dear {number}\r\n" + LINE * (octets // len(LINE)) + foot


def message(kind: str, text: str) -> Message:
    """Return a scanned message of one text."""
    head = f"From: a@example.com\r\nMIME-Version: 1.0\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n"
    return scan((head + text).encode())


def milliseconds(work: Callable[[], object], messages: int, rounds: int = 7) -> float:
    """Return the CPU time of the best round, for each message."""
    best = float("inf")
    for _ in range(rounds):
        before = time.process_time()
        work()
        best = min(best, time.process_time() - before)
    return best / messages * 1000


def rewritten(shelf: Shelf, messages: Sequence[Message]) -> None:
    """Do to each message what accepting it does to its text."""
    rules = [rule for name, rule in shelf.message if name == "footer"]
    for one in messages:
        for rule in rules:
            rule(one, MESSAGE_FACTS)
        rewrite(shelf, one, FACTS)


def main() -> None:
    """Print a row for each kind, size and way out."""
    gc.disable()
    shelf = Shelf.of([build({}) for build in SHELF.values()])
    for kind, make in (("html", html), ("plain", plain)):
        for octets in (4096, 51_200):
            count = 200 if octets < 10_000 else 50
            for name, foot in FEET[kind].items():
                new = [message(kind, make(octets, foot, number)) for number in range(count)]
                seen = [message(kind, make(octets, foot, 0)) for _ in range(count)]
                first = milliseconds(lambda new=new: rewritten(shelf, new), count)
                again = milliseconds(lambda seen=seen: rewritten(shelf, seen), count)
                print(f"{kind:5} {octets // 1024:2} KiB  {name:22}  new {first:.3f}  seen {again:.3f}")
    options = LexborDocumentOptions.WO_EVENTS
    for octets in (4096, 51_200):
        text = html(octets, LINK, 0)
        parse = milliseconds(lambda text=text: LexborHTMLParser(text, options=options), 1, 50)
        print(f"the parse of it alone, {octets // 1024} KiB: {parse:.3f}")
    sheet = milliseconds(lambda: tinycss2.parse_stylesheet(SHEET), 1, 20)
    print(f"a style sheet of {len(SHEET)} characters, the first time: {sheet:.2f}")


if __name__ == "__main__":
    main()
