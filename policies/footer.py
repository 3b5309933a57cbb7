"""Every message can be left by its text: a visible footer in each form of it, where the sender shows no link.

What counts as the sender's own link stands in docs/decisions/0010-footer-detection.md. The placeholder
``{{unsubscribe_url}}`` is replaced by the recipient's link wherever it stands, in text and in header fields.
What no reader could be sure of (signed, encrypted, broken, unknown structures and encodings) is left as it
is, and ``explain`` says why. What stands where is worked out once for a message; a recipient only fills
it in.

Templates are text, handed in by who reads files; ``config/templates`` shows the defaults. They know
``list_name``, ``account_name``, ``unsubscribe_url`` and ``abuse_url``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from html import escape

from jinja2 import Environment, StrictUndefined, TemplateError

from gateway.mime.charset import charset_of, html_octets, plain_octets
from gateway.mime.headers import printable
from gateway.mime.insertion import end_of_html
from gateway.mime.lastplan import LastPlan, LastReadings
from gateway.mime.structure import bodies
from gateway.mime.transfer import Gap, Placement, Untouchable, decode, place
from gateway.model.facts import RewriteFacts
from gateway.model.message import Message, Part
from gateway.model.policy import Policy
from gateway.model.splice import Splice
from policies.list_headers import REPLACED
from policies.own_headers import takes_out
from policies.table import Table
from policies.unsubscribe_link import own_links, placeholders, shows_link

TEXT_TEMPLATE = """\
You receive this message because you are subscribed to {{ list_name }}.
Unsubscribe: {{ unsubscribe_url }}
Report abuse: {{ abuse_url }}
"""
HTML_TEMPLATE = """\
<div style="clear:both;margin:24px 0 0;padding:12px;background:#ffffff;color:#555555;\
font:12px/1.5 sans-serif;text-align:center">
You receive this message because you are subscribed to
<b>{{ list_name }}</b>.<br>
<a href="{{ unsubscribe_url }}" style="color:#1155cc;text-decoration:underline">Unsubscribe</a> &middot;
<a href="{{ abuse_url }}" style="color:#1155cc;text-decoration:underline">Report abuse</a>
</div>
"""

ADDED, PROVIDED, HEADERS_ONLY = "added", "sender provides", "headers only: "

_LONGEST_NAME = 90  # characters; as numeric references they still fit a line of RFC 5322
_MOST_LINKS = 1000  # placeholders in one part
# What templates see in place of the links, so that a recipient's footer is made without rendering anew.
_UNSUBSCRIBE, _ABUSE = "https://unsubscribe.invalid/here", "https://abuse.invalid/here"
_UNSUBSCRIBE_OCTETS, _ABUSE_OCTETS = _UNSUBSCRIBE.encode(), _ABUSE.encode()


class Settings(Table):
    """``[footer]``."""

    text_template: str = TEXT_TEMPLATE
    html_template: str = HTML_TEMPLATE
    own_header_counts: bool = True  # whether a List-Unsubscribe of the sender's own makes a footer needless


@dataclass(frozen=True, slots=True)
class _Lines:
    """A footer's place, and how it is written there."""

    placement: Placement
    html: bool
    codec: str
    flowed: bool
    newline: bytes
    lead: bytes
    trail: bytes


@dataclass(frozen=True, slots=True)
class _Links:
    """The places of placeholders in one part."""

    placement: Placement
    count: int
    html: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What rewriting does to a message, whoever gets it."""

    lines: tuple[_Lines, ...]
    links: tuple[_Links, ...]
    in_fields: tuple[Gap, ...]
    outcome: str


Skeleton = Callable[[_Lines, str, str], bytes]
"""(place, list's name, account's name) to the footer with stand-ins for the links."""


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[footer]`` of policy.toml; raise ValueError for a template of no use."""
    table = Settings.model_validate(settings)
    skeleton = _skeletons(table)
    plan = _PLANS[table.own_header_counts]

    def rewrite(message: Message, facts: RewriteFacts) -> Sequence[Splice]:
        """Fill in this recipient's links."""
        return _fill(plan(message), facts, skeleton)

    return Policy("footer", rewrite=rewrite)


def explain(message: Message) -> str:
    """Say what the policy with its default settings does: ADDED, PROVIDED, or HEADERS_ONLY and a reason."""
    return _PLANS[True](message).outcome


def explainer(settings: Mapping[str, object]) -> Callable[[Message], str]:
    """Return ``explain`` for these settings."""
    plan = _PLANS[Settings.model_validate(settings).own_header_counts]
    return lambda message: plan(message).outcome


def _fill(plan: Plan, facts: RewriteFacts, skeleton: Skeleton) -> list[Splice]:
    plain = facts.unsubscribe_url.encode("ascii"), facts.abuse_url.encode("ascii")
    markup = escape(facts.unsubscribe_url).encode("ascii"), escape(facts.abuse_url).encode("ascii")
    splices = [Splice(start, end, plain[0]) for start, end in plan.in_fields]
    for links in plan.links:
        splices += links.placement.fill([(markup if links.html else plain)[0]] * links.count)
    for lines in plan.lines:
        url, abuse = markup if lines.html else plain
        bare = skeleton(lines, facts.mail_list.name or facts.mail_list.list_id, facts.account.name)
        filled = bare.replace(_UNSUBSCRIBE_OCTETS, url).replace(_ABUSE_OCTETS, abuse)
        splices += lines.placement.fill([lines.lead + filled + lines.trail])
    return splices


# Where ------------------------------------------------------------------------------------------------------


def _plan(message: Message, *, own_header_counts: bool) -> Plan:
    found = bodies(message)
    named = own_links(message)
    lines: list[_Lines] = []
    links: list[_Links] = []
    reason = found.reason
    for part in found.parts:
        try:
            match _in_part(message, part, named, own_header_counts=own_header_counts):
                case _Lines() as one:
                    lines.append(one)
                case _Links() as one:
                    links.append(one)
        except Untouchable as untouchable:
            reason = untouchable.reason
    outcome = ADDED if lines else HEADERS_ONLY + reason if reason else PROVIDED
    return Plan(tuple(lines), tuple(links), _in_fields(message), outcome)


# Module-wide, so that ``explain`` finds what rewriting has worked out.
_PLANS = {counts: LastPlan(partial(_plan, own_header_counts=counts)) for counts in (True, False)}


def _in_part(
    message: Message, part: Part, named: tuple[bytes, ...], *, own_header_counts: bool
) -> _Lines | _Links | None:
    body = message.raw[part.body_start : part.body_end]
    circumstances = (part.encoding, part.content_type, named, own_header_counts)
    reading = _READINGS.get(body, circumstances, lambda: _read(message.raw, part, named, own_header_counts))
    octets, gaps, at = reading.octets, reading.gaps, reading.end
    html = part.content_type == "text/html"
    if len(gaps) > _MOST_LINKS:
        raise Untouchable("too-many-placeholders")
    if gaps:
        return _Links(place(message.raw, part, octets, gaps), len(gaps), html)
    if reading.shows_link:
        return None
    codec = charset_of(part.charset).writes
    if not codec:
        raise Untouchable("charset")
    if part.encoding == "7bit":
        codec = "ascii"
    newline = b"\n" if part.encoding == "base64" and b"\n" in octets and b"\r\n" not in octets else b"\r\n"
    lead = _html_lead(octets, at, newline) if html else _text_lead(octets, newline, part)
    trail = newline if at < len(octets) or not octets or octets.endswith(b"\n") else b""
    placement = place(message.raw, part, octets, [(at, at)])
    return _Lines(placement, html, codec, part.format_flowed and not html, newline, lead, trail)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a part's text says, wherever it stands in a message. ``end``: where a footer goes."""

    octets: bytes
    gaps: list[Gap]
    shows_link: bool
    end: int


_READINGS = LastReadings[_Reading]()


def _read(raw: bytes, part: Part, named: tuple[bytes, ...], own_header_counts: bool) -> _Reading:  # noqa: FBT001 - one of the circumstances
    octets = decode(raw, part)
    gaps = placeholders(octets)
    if gaps or (own_header_counts and named):
        return _Reading(octets, gaps, not gaps, 0)
    lower = octets.lower()
    if shows_link(part, octets, lower, named):
        return _Reading(octets, gaps, True, 0)
    return _Reading(
        octets, gaps, False, end_of_html(lower) if part.content_type == "text/html" else len(octets)
    )


def _html_lead(octets: bytes, at: int, newline: bytes) -> bytes:
    return newline if at > 0 and octets[at - 1] != ord("\n") else b""


def _text_lead(octets: bytes, newline: bytes, part: Part) -> bytes:
    """End the last line, and leave one blank."""
    if not octets:
        return b""
    lead = newline if octets.endswith(b"\n") else newline * 2
    # RFC 3676 section 4.2: a line that flows takes the next one, even a blank one, into its paragraph.
    flows = part.format_flowed and octets.rstrip(b"\r\n").endswith(b" ")
    return lead + newline if flows else lead


def _in_fields(message: Message) -> tuple[Gap, ...]:
    """Return where the placeholder stands in fields that no other policy takes out or replaces."""
    gaps = placeholders(message.raw[: message.root.body_start]) if message.fields else []
    mine = [
        (field.colon, field.end)
        for field in (message.fields if gaps else ())
        if field.name not in REPLACED and not takes_out(field.name)
    ]
    return tuple([gap for gap in gaps if any(start <= gap[0] and gap[1] <= end for start, end in mine)])


# What -------------------------------------------------------------------------------------------------------


def _skeletons(table: Settings) -> Skeleton:
    """Compile the templates, try them, and return what renders them and remembers."""
    text = _template(table.text_template, "text_template", autoescape=False)
    html = _template(table.html_template, "html_template", autoescape=True)

    @lru_cache(maxsize=1024)
    def written(is_html: bool, codec: str, flowed: bool, list_name: str, account_name: str) -> bytes:  # noqa: FBT001 - a key of the cache
        if is_html:
            return html_octets(html(list_name, account_name), codec)
        lines = text(list_name, account_name).split("\r\n")
        return plain_octets("\r\n".join(map(_stuffed, lines) if flowed else lines), codec)

    def skeleton(lines: _Lines, list_name: str, account_name: str) -> bytes:
        octets = written(lines.html, lines.codec, lines.flowed, list_name, account_name)
        return octets if lines.newline == b"\r\n" else octets.replace(b"\r\n", lines.newline)

    return skeleton


def _template(source: str, name: str, *, autoescape: bool) -> Callable[[str, str], str]:
    """Compile one template and try it; raise ValueError where no link would come out."""

    def render(list_name: str, account_name: str) -> str:
        rendered = template.render(
            list_name=printable(list_name)[:_LONGEST_NAME],
            account_name=printable(account_name)[:_LONGEST_NAME],
            unsubscribe_url=_UNSUBSCRIBE,
            abuse_url=_ABUSE,
        )
        return "\r\n".join(line.rstrip() for line in rendered.strip().splitlines())

    try:
        # Plain text has nothing to escape; HTML has it on.
        environment = Environment(autoescape=autoescape, undefined=StrictUndefined)  # noqa: S701 - see above
        template = environment.from_string(source)
        tried = render("News", "example")
    except TemplateError as error:
        raise ValueError(f"{name}: {error}") from error
    if _UNSUBSCRIBE not in tried:
        raise ValueError(f"{name}: it must show {{{{ unsubscribe_url }}}} as it is")
    return render


def _stuffed(line: str) -> str:
    """Space-stuff a line of format=flowed text, RFC 3676 section 4.4."""
    return " " + line if line.startswith((" ", ">", "From ")) else line
