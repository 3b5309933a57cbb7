"""What a POST says: its fields, and what they ask for.

Fails with ``BadForm`` for a body that is no form. How long a body may be is the guard's matter.
"""

from collections.abc import AsyncGenerator, Mapping
from enum import StrEnum
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser

_FIELDS = 20
_PART = 65_536  # octets
WORDS_LIMIT = 2000  # characters of what somebody writes into a report


class BadForm(Exception):
    """A body that is not the form it says it is."""


async def read_fields(headers: Headers, body: bytes) -> dict[str, str]:
    """Return the fields of an urlencoded or a multipart form (RFC 8058 section 3.2 allows both)."""
    if headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _multipart(headers, body)
    # Whatever else it calls itself: not every sender of a one-click POST names the type.
    try:
        return dict(
            parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS)
        )
    except ValueError as error:
        raise BadForm("too many fields") from error


async def _multipart(headers: Headers, body: bytes) -> dict[str, str]:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(headers, once(), max_files=0, max_fields=_FIELDS, max_part_size=_PART)
    try:
        form = await parser.parse()
        fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        # The charset is the sender's choice: "unicode_escape" makes halves of characters, good for no page.
        "".join((*fields, *fields.values())).encode()
    except (MultiPartException, KeyError, ValueError, LookupError) as error:
        raise BadForm("not the multipart form that it says it is") from error
    return fields


class Choice(StrEnum):
    """What the buttons of the page stand for."""

    LEAVE = "leave"
    LEAVE_ALL = "leave-all"
    PAUSE_30 = "pause-30"
    PAUSE_90 = "pause-90"
    REPORT = "report"

    @property
    def days(self) -> int:
        """How long a pause lasts; 0 for what is none."""
        return {Choice.PAUSE_30: 30, Choice.PAUSE_90: 90}.get(self, 0)


def is_one_click(fields: Mapping[str, str]) -> bool:
    """Whether a mail program pressed its own button."""
    # RFC 8058 section 3.1: the body is the key/value pair List-Unsubscribe=One-Click.
    return fields.get("List-Unsubscribe", "").strip().lower() == "one-click"


def chosen(fields: Mapping[str, str]) -> Choice | None:
    """Return which of the page's buttons was pressed, or None when the form does not say so."""
    try:
        return Choice(fields["choice"])
    except (KeyError, ValueError):
        return Choice.LEAVE if is_confirmed(fields) else None


def is_confirmed(fields: Mapping[str, str]) -> bool:
    """Whether the page's one button was pressed."""
    return fields.get("confirm") == "1"


def words(fields: Mapping[str, str]) -> str:
    """Return what somebody wrote into a report: plain text, line ends as LF, cut to the limit."""
    text = fields.get("reason", "").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if char == "\n" or char.isprintable()).strip()[:WORDS_LIMIT]
