"""Style sheets of messages without a way out, and what they can do to the footer that is added: nothing.

``rule``: where something around the footer hides it, or lies over it, the evidence's; "" where it is seen.
"""

from dataclasses import replace
from typing import NamedTuple

from gateway.cli.corpus.rewriting import rewrite_facts
from gateway.mime.scan import scan
from gateway.mime.splice import apply
from policies import footer

_FACTS = replace(
    rewrite_facts(),
    unsubscribe_url="https://example.com/t/T",
    why_url="https://example.com/w/T",
    abuse_url="https://example.com/r/T",
)
_HEAD = b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"


class Footer(NamedTuple):
    """One style sheet."""

    css: str
    rule: str = ""


FOOTERS = (
    Footer("td{color:#333}"),
    # What the elements of a footer are.
    Footer("div{display:none}"),
    Footer("div{display:none!important}"),
    Footer("body>div{display:none!important}"),
    Footer("body>:last-child{display:none!important}"),
    Footer("div[style]{visibility:hidden!important}"),
    Footer("div{opacity:0!important}"),
    Footer("div{position:absolute!important;left:-9999px!important}"),
    Footer("div{height:0!important;overflow:hidden!important;padding:0!important}"),
    Footer("div{max-height:0!important;overflow:hidden!important}"),
    Footer("div{width:0!important;overflow:hidden!important;white-space:nowrap!important}"),
    Footer("div{transform:scale(0)!important}"),
    Footer("div{scale:0!important}"),
    Footer("div{zoom:0.01!important}"),
    Footer("div{clip-path:inset(100%)!important}"),
    Footer("div{content-visibility:hidden!important}"),
    Footer("div{filter:opacity(0)!important}"),
    Footer("div{mask-image:linear-gradient(transparent,transparent)!important}"),
    Footer("div{margin-top:-5000px!important}"),
    Footer("div{animation:a 0s forwards!important}@keyframes a{to{opacity:0;translate:-9999px;scale:0}}"),
    Footer("a{display:none!important}"),
    Footer("a{font-size:0!important}"),
    Footer("a{color:#fff!important}"),
    Footer("a{color:transparent!important;-webkit-text-fill-color:transparent!important}"),
    Footer("a{background:#1155cc!important}"),
    Footer("a{pointer-events:none!important}"),
    Footer("div a:first-of-type{visibility:hidden!important}"),
    Footer("a[href*='/t/']{display:none!important}"),
    Footer("*{color:#fff!important;background:#fff!important}"),
    Footer("*{font-size:1px!important;line-height:1px!important}"),
    # What they inherit.
    Footer("body{visibility:hidden}table{visibility:visible}"),
    Footer("body{font-size:0}"),
    Footer("body{color:#fff;-webkit-text-fill-color:#fff}"),
    Footer("body{text-indent:-9999px}"),
    Footer("body{letter-spacing:-2em}"),
    Footer("body{pointer-events:none}"),
    # What stands around it, or over it.
    Footer("body{display:none}", "display-none"),
    Footer("body{opacity:0}", "opacity"),
    Footer("body{position:absolute;left:-9999px}", "off-screen"),
    Footer("td{position:fixed;top:0;left:0;width:100%;height:100%;background:#fff}", "covered"),
)


def message(row: Footer) -> bytes:
    """Return a message without a way out that has the style sheet."""
    html = (
        f"<html><head><style>{row.css}</style></head><body><table><tr><td>Buy</td></tr></table></body></html>"
    )
    return _HEAD + html.encode() + b"\r\n"


def rewritten(row: Footer) -> str:
    """Return its HTML with our footer in it."""
    rewrite = footer.build({}).rewrite
    assert rewrite
    raw = message(row)
    return apply(raw, rewrite(scan(raw), _FACTS)).partition(b"\r\n\r\n")[2].decode()
