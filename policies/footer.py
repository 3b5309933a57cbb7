"""Every message can be left by its text: a visible footer in each form of it, where the sender shows no link.

Where it goes, and where nothing may be changed, ``footer_plan`` works out once for a message; here it is
worded, written in the part's charset, and a recipient's links are filled in. A placeholder that stands where
it cannot be replaced (in what is signed, in what nobody can read) is a reason to refuse the message: no
reader ever gets one raw. Records: docs/decisions/0016-way-out.md and 0017-any-message.md.

Templates are text, handed in by who reads files; ``config/templates`` shows the defaults. They know
``list_name``, ``account_name``, ``unsubscribe_url``, ``why_url`` and ``abuse_url``. A list that names its
language has its footer in that, by ``translations`` or ``footer_words``; all of them are compiled once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Annotated, Literal

from jinja2 import Environment, StrictUndefined, TemplateError
from pydantic import StringConstraints

from gateway.mime.charset import expresses, html_octets, plain_octets
from gateway.mime.headers import printable
from gateway.mime.structure import Room
from gateway.mime.transfer import quoted
from gateway.mime.wrapping import beside
from gateway.model.facts import MessageFacts, RewriteFacts
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.reply import PLACEHOLDER_STAYS
from gateway.model.splice import Splice
from gateway.model.verdict import PASS, Refuse, Verdict
from gateway.model.way_out import Rewriting
from policies.footer_edit import Edit, Lines
from policies.footer_plan import Plan, Terms, plans
from policies.footer_words import BOX_STYLE, LEAVE_STYLE, LINK_STYLE, WORDS, Templates, templates_in
from policies.table import Table
from policies.way_out.placeholders import Site

TEXT_TEMPLATE = """\
You receive this message because you are subscribed to {{ list_name }}.
Unsubscribe: {{ unsubscribe_url }}
Why did I get this? {{ why_url }}
Report abuse: {{ abuse_url }}
"""
HTML_TEMPLATE = f"""\
<div style="{BOX_STYLE}">
You receive this message because you are subscribed to
<b>{{{{ list_name }}}}</b>.<br>
<a href="{{{{ unsubscribe_url }}}}" style="{LEAVE_STYLE}">Unsubscribe</a> &middot;
<a href="{{{{ why_url }}}}" style="{LINK_STYLE}">Why did I get this?</a> &middot;
<a href="{{{{ abuse_url }}}}" style="{LINK_STYLE}">Report abuse</a>
</div>
"""

# No styles and no attributes but the link's: what is valid AMP for email stays valid.
AMP_TEMPLATE = """\
<p>You receive this message because you are subscribed to {{ list_name }}.<br>
<a href="{{ unsubscribe_url }}">Unsubscribe</a> &middot;
<a href="{{ why_url }}">Why did I get this?</a> &middot; <a href="{{ abuse_url }}">Report abuse</a></p>
"""

_LONGEST_NAME = 90  # characters; as numeric references they still fit a line of RFC 5322
# What templates see in place of the links, so that a recipient's footer is made without rendering anew.
_UNSUBSCRIBE, _ABUSE = "https://unsubscribe.invalid/here", "https://abuse.invalid/here"
_WHY = "https://why.invalid/here"


_LANGUAGE = StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")


class Translation(Table):
    """One ``[footer.translations.LANGUAGE]``."""

    text_template: str
    html_template: str
    amp_template: str


class Settings(Table):
    """``[footer]``."""

    text_template: str = TEXT_TEMPLATE
    html_template: str = HTML_TEMPLATE
    amp_template: str = AMP_TEMPLATE
    own_header_counts: bool = True  # whether a List-Unsubscribe of the sender's own makes a footer needless
    own_link_counts: bool = True  # and whether a link of theirs in the text does
    reserved_hosts: tuple[str, ...] = ()  # top-level names of RFC 2606 that count as real ones
    sealed: Literal["headers", "wrap"] = "headers"  # what is done for signed and encrypted messages
    translations: Mapping[Annotated[str, _LANGUAGE], Translation] = {}  # by the language that a list names


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[footer]`` of policy.toml; raise ValueError for a template of no use."""
    table = Settings.model_validate(settings)
    written = _skeletons(table)
    terms = _terms(table)

    def message(message: Message, facts: MessageFacts) -> Verdict:
        """Refuse what would show its readers a placeholder."""
        why = plans(terms, facts.unsubscribe_prefix)(message).unfilled
        return Refuse(PLACEHOLDER_STAYS.fill(why=why), "placeholder") if why else PASS

    def rewrite(message: Message, facts: RewriteFacts) -> Sequence[Splice]:
        """Fill in this recipient's links."""
        ours = facts.unsubscribe_url.rpartition("/")[0] + "/"
        return _fill(message, plans(terms, ours)(message), facts, written)

    return Policy("footer", message=message, rewrite=rewrite)


def _terms(table: Settings) -> Terms:
    return Terms(
        table.own_header_counts,
        table.own_link_counts,
        table.sealed == "wrap",
        frozenset(table.reserved_hosts),
    )


def explain(message: Message) -> str:
    """Say what the policy with its default settings does: a word of ``footer_plan``, with its reason."""
    return plans(Terms(), "")(message).rewriting.outcome


def explainer(settings: Mapping[str, object]) -> Callable[[Message, str], Rewriting]:
    """Return what says, of a message and of how our links begin, what these settings do to it."""
    terms = _terms(Settings.model_validate(settings))
    return lambda message, ours: plans(terms, ours)(message).rewriting


def _fill(message: Message, plan: Plan, facts: RewriteFacts, written: "_Written") -> list[Splice]:
    splices = [Splice(site.start, site.end, site.fill(facts.unsubscribe_url)) for site in plan.in_fields]
    splices += plan.body
    around: list[Splice] = []
    if plan.room is not Room.NONE:
        # Nobody knows the submission's id before the content is there: it cannot stand in it.
        boundary = f"=_{facts.submission_id}".encode("ascii")
        around = beside(message, plan.room, quoted(_footer(_PART, facts, written)), boundary)
    splices += around[:-1]
    for edit, begin in plan.edits:
        splices += edit.fill(_news(edit, facts, written), begin)
    return splices + around[-1:]  # the last one ends the body, also where an edit stands there


def _news(edit: Edit, facts: RewriteFacts, written: "_Written") -> list[bytes]:
    return [
        _footer(piece, facts, written)
        if isinstance(piece, Lines)
        else _in_place(piece, facts.unsubscribe_url, edit.codec)
        for piece in edit.pieces
    ]


def _in_place(site: Site, url: str, codec: str) -> bytes:
    """Write a link where its placeholder stood; ``codec`` where the part is not ASCII's kin."""
    octets = site.fill(url)
    return octets.decode().encode(codec, "xmlcharrefreplace" if site.html else "replace") if codec else octets


def _link(url: str, codec: str, html: bool) -> bytes:  # noqa: FBT001 - what the link stands in
    return (escape(url) if html else url).encode(codec)


_PART = Lines("text", "utf-8", flowed=False, newline="\r\n", lead=b"", trail=b"")  # in a part of its own


def _footer(lines: Lines, facts: RewriteFacts, written: "_Written") -> bytes:
    html, codec = lines.form != "text", lines.codec
    urls = facts.unsubscribe_url, facts.abuse_url, facts.why_url
    links = [_link(url, codec, html) for url in urls]
    pieces = [piece if isinstance(piece, bytes) else links[piece] for piece in written(lines, facts)]
    return b"".join((lines.lead, *pieces, lines.trail))


# What -------------------------------------------------------------------------------------------------------

_Skeleton = tuple[bytes | int, ...]
"""A footer's octets, and between them the numbers of links: to unsubscribe, to report abuse, and why."""
_Written = Callable[[Lines, RewriteFacts], _Skeleton]


def _skeletons(table: Settings) -> _Written:
    """Compile the templates, try them, and return what renders them and remembers."""
    languages = _languages(table)

    @lru_cache(maxsize=1024)
    def rendered(form: str, codec: str, flowed: bool, newline: str, names: tuple[str, ...]) -> _Skeleton:  # noqa: FBT001 - a key of the cache
        list_name, list_id, account_name, language = names
        templates = _nearest(languages, language)
        if form != "text":
            html = templates[form](list_name or list_id, account_name).replace("\r\n", newline)
            return _apart(html_octets(html, codec), codec)
        # A name in letters that the charset lacks would be a row of question marks; the list's id never is.
        shown = list_name if list_name and expresses(codec, list_name) else list_id
        lines = templates[form](shown, account_name).split("\r\n")
        return _apart(plain_octets(newline.join(map(_stuffed, lines) if flowed else lines), codec), codec)

    def written(lines: Lines, facts: RewriteFacts) -> _Skeleton:
        mail_list = facts.mail_list
        names = mail_list.name, mail_list.list_id, facts.account.name, mail_list.language
        return rendered(lines.form, lines.codec, lines.flowed, lines.newline, names)

    return written


def _apart(octets: bytes, codec: str) -> _Skeleton:
    """Cut a footer where the links stand in it."""
    numbers = {one.encode(codec): number for number, one in enumerate((_UNSUBSCRIBE, _ABUSE, _WHY))}
    pieces = re.split(b"(" + b"|".join(map(re.escape, numbers)) + b")", octets)
    return tuple([numbers.get(piece, piece) for piece in pieces])


_Forms = Mapping[str, Callable[[str, str], str]]


def _languages(table: Settings) -> Mapping[str, _Forms]:
    """Compile the footers in every language; "": for lists that name none, or one that is not here."""
    texts = {language: templates_in(language) for language in WORDS}
    own: dict[str, Settings | Translation] = {"": table, **table.translations}
    for language, one in own.items():
        texts[language] = Templates(one.text_template, one.html_template, one.amp_template)
    return {
        language: {
            form: _template(source, f"{_place(language)}{form}_template", autoescape=form != "text")
            for form, source in one._asdict().items()
        }
        for language, one in texts.items()
    }


def _nearest(languages: Mapping[str, _Forms], language: str) -> _Forms:
    """Return the footer in a language, in the one that it is a kind of, or the operator's."""
    return languages.get(language) or languages.get(language.partition("-")[0]) or languages[""]


def _place(language: str) -> str:
    return f"translations.{language}." if language else ""


def _template(source: str, name: str, *, autoescape: bool) -> Callable[[str, str], str]:
    """Compile one template and try it; raise ValueError where no link would come out."""

    def render(list_name: str, account_name: str) -> str:
        rendered = template.render(
            list_name=printable(list_name)[:_LONGEST_NAME],
            account_name=printable(account_name)[:_LONGEST_NAME],
            unsubscribe_url=_UNSUBSCRIBE,
            abuse_url=_ABUSE,
            why_url=_WHY,
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
