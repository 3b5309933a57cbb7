"""What the demonstration sends, and how it shows what came of it."""

import base64
import difflib
import quopri
import re
from collections.abc import Iterator
from urllib.parse import unquote

from rich.console import Console
from rich.text import Text

ACCOUNT = "bakery"
DOMAIN = "bakery.example"
LIST_ID = "bread.bakery.example"
LIST_NAME = "The bread letter"
SENDER = f"news@{DOMAIN}"
SUBSCRIBED = ("ada@example.net", "grace@example.org")
STRANGER = "stranger@example.com"

_BOUNDARY = "=_sourdough"
_LONGEST = 96  # characters of a header line that are shown

NEWSLETTER = (
    (
        f"""\
From: The Bakery <{SENDER}>
To: Friends of bread <{LIST_ID.replace(".", "@", 1)}>
Subject: Sourdough is back on Friday
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="{_BOUNDARY}"

--{_BOUNDARY}
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Good morning,

our sourdough is back on Friday. First come, first served =E2=80=93 caf=C3=A9
and croissants until noon.

The Bakery
--{_BOUNDARY}
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<html><body style=3D"font-family: sans-serif">
<p>Good morning,</p>
<p>our <b>sourdough</b> is back on Friday. First come, first served =E2=80=93
caf=C3=A9 and croissants until noon.</p>
<p>The Bakery</p>
</body></html>
--{_BOUNDARY}--
"""
    )
    .replace("\n", "\r\n")
    .encode()
)


def header_lines(content: bytes) -> list[str]:
    """Return the header section, folded lines joined by a line break."""
    section = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    return re.split(r"\n(?![ \t])", section)


def unsubscribe_url(content: bytes) -> str:
    """Return the address behind the link, from List-Unsubscribe (RFC 2369); "" where there is none."""
    field = next((f for f in header_lines(content) if f.lower().startswith("list-unsubscribe:")), "")
    match = re.search(r"<(https?://[^>]+)>", field)
    return match[1] if match else ""


def mailto(content: bytes) -> tuple[str, str]:
    """Return the mailbox and the subject of List-Unsubscribe's mailto; empty where there is none."""
    field = next((f for f in header_lines(content) if f.lower().startswith("list-unsubscribe:")), "")
    match = re.search(r"<mailto:([^?>]+)\?subject=([^>]+)>", field)
    return (unquote(match[1]), unquote(match[2])) if match else ("", "")


def letter(author: str, mailbox: str, subject: str) -> bytes:
    """Return what a mail program makes of a mailto."""
    fields = {"From": author, "To": mailbox, "Subject": subject, "Message-ID": "<leaving@mail.example.org>"}
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n"


def parts(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield the media type and the decoded text of each part; enough for our own newsletter."""
    text = content.replace(b"\r\n", b"\n")
    for part in text.split(b"--" + _BOUNDARY.encode())[1:-1]:
        head, _, body = part.strip(b"\n").partition(b"\n\n")
        media = re.search(rb"(?i)content-type: *([a-z/]+)", head)
        encoding = re.search(rb"(?i)content-transfer-encoding: *([a-z0-9-]+)", head)
        match encoding[1].lower() if encoding else b"":
            case b"quoted-printable":
                body = quopri.decodestring(body)
            case b"base64":
                body = base64.b64decode(body)
        yield (media[1].decode() if media else "?"), body.decode("utf-8", "replace")


def added(before: str, after: str) -> list[str]:
    """Return the lines that only the delivered text has."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line[2:] for line in lines if line.startswith("+ ")]


def _longest(console: Console) -> int:
    """Return how many characters of a line are shown: no more than a terminal has room for."""
    return min(_LONGEST, console.width - 4) if console.is_terminal else _LONGEST


def show_headers(console: Console, content: bytes) -> None:
    """Print the delivered headers; those that the gateway put in are marked."""
    ours = {line.partition(":")[0].lower() for line in header_lines(NEWSLETTER)}
    longest = _longest(console)
    for field in header_lines(content):
        is_new = field.partition(":")[0].lower() not in ours
        for index, line in enumerate(field.split("\n")):
            shown = line if len(line) <= longest else line[: longest - 3] + "..."
            mark = "+ " if is_new and not index else "  "
            console.print(Text(f"  {mark}{shown}", style="green" if is_new else "dim"), soft_wrap=True)


def show_footers(console: Console, content: bytes) -> None:
    """Print what was put into the text and the HTML part."""
    for (media, before), (_, after) in zip(parts(NEWSLETTER), parts(content), strict=False):
        console.print(Text(f"  {media}", style="bold"))
        longest = _longest(console) if media == "text/html" else 2 * _LONGEST  # a URL in text may be opened
        for line in added(before, after):
            shown = line if len(line) <= longest else line[: longest - 3] + "..."
            console.print(Text(f"  + {shown}", style="green"), soft_wrap=True)
