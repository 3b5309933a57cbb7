"""The forms of placeholders: what services taught people, and the expressions that find it.

``FORM`` finds a frame around a name, ``WORDED`` SendGrid's ``<% words %>``; whether a name is that of a link
for leaving, ``WORDS`` and ``LEAVES`` tell. How they are used stands in ``placeholders``.
"""

import re
from typing import NamedTuple

SERVICES = (
    *("{{unsubscribe_url}}", "{{ unsubscribe }}", "{unsubscribe}"),  # our own; Brevo; Elastic Email
    *("%unsubscribe_url%", "%tag_unsubscribe_url%", "%mailing_list_unsubscribe_url%"),  # Mailgun
    *("%unsubscribe_email%", "{{amazonSESUnsubscribeUrl}}"),  # Mailgun; Amazon SES
    *("{{{ pm:unsubscribe }}}", "{{{ pm:unsubscribe_url }}}"),  # Postmark
    *("<% click here %>", "<% %>", "[unsubscribe]", "{{{unsubscribe}}}"),  # SendGrid
    *("<%asm_group_unsubscribe_raw_url%>", "<%asm_global_unsubscribe_raw_url%>"),  # SendGrid's groups
    *("*|UNSUB|*", "*|UNSUB:https://example.com/left|*"),  # Mailchimp; Mandrill
    *("<unsubscribe>leave</unsubscribe>", "[unsubscribe]leave[/unsubscribe]"),  # Campaign Monitor, Sendy
    *("{{ unsubscribe_link }}", "{{unsubscribe_link_all}}"),  # HubSpot, Keila, Customer.io
    *("{% unsubscribe %}", "{% unsubscribe 'leave' %}", "{% unsubscribe_link %}"),  # Klaviyo
    *("{unsubscribe_url}", "{unsubscribe_text}"),  # Mautic
    *("{{ UnsubscribeURL }}", "[UNSUBSCRIBEURL]", "[UNSUBSCRIBE]"),  # listmonk; phpList
    *("[LINK_UNSUBSCRIBE]", "[UNSUBSCRIBE_URL]"),  # Mailtrain; MailWizz
    *("[[UNSUB_LINK_EN]]", "{$unsubscribe}", "%UNSUBSCRIBELINK%"),  # Mailjet; MailerLite; ActiveCampaign
    *("[link:subscription_unsubscribe_url]", "{{{RESEND_UNSUBSCRIBE_URL}}}"),  # MailPoet; Resend
    *("%%unsubscribe_url%%", "%%unsub_center_url%%"),  # Ghost; Salesforce Marketing Cloud
    *("{{${set_user_to_unsubscribed_url}}}", "##crm.unsubscribe_url##"),  # Braze; FluentCRM
    *("{{unsubscribeUrl}}", "::unsubscribeUrl::", "##Unsubscribe##"),  # Iterable; Mailcoach; SocketLabs
    "{optOutUrl}",  # EspoCRM
    *("{{mc-unsubscribe-url}}", "{{system.unsubscribeLink}}"),  # MailChannels; Marketo
)
"""An example of every form, for the reference and the tests, and who taught it to people."""


class Frame(NamedTuple):
    """Signs around a name, and whether ordinary text never has them there."""

    opening: str
    closing: str
    sure: bool  # whether ordinary text does not have it


FRAMES = (
    *(
        Frame("{{${", "}}}", True),
        Frame("{{{", "}}}", True),
        Frame("{{", "}}", True),
        Frame("{%", "%}", True),
    ),
    *(Frame("{$", "}", True), Frame("{!", "}", True), Frame("${", "}", True), Frame("{", "}", False)),
    *(
        Frame("%%{", "}%%", True),
        Frame("%%", "%%", True),
        Frame("<%", "%>", True),
        Frame("[%", "%]", True),
    ),
    *(Frame("[[", "]]", True), Frame("$[", "]$", True), Frame("[", "]", False), Frame("*|", "|*", True)),
    *(Frame("##", "##", True), Frame("::", "::", True), Frame("%", "%", False), Frame("#", "#", False)),
)
_ENTITIES = {
    "{": "lcub|lbrace",
    "}": "rcub|rbrace",
    "[": "lsqb|lbrack",
    "]": "rsqb|rbrack",
    "|": "verbar|vert",
}
_ENTITIES |= {
    "<": "lt",
    ">": "gt",
    "%": "percnt",
    "*": "ast",
    "$": "dollar",
    "#": "num",
    ":": "colon",
    "!": "excl",
}


def _sign(char: str) -> str:
    """Return the forms of one sign of a frame."""
    code = ord(char)
    named = f"|&(?:{_ENTITIES[char]});"
    return f"(?:{re.escape(char)}|%{code:02x}|&#0*{code};|&#x0*{code:x};{named})"


def _signs(chars: str) -> str:
    return "".join(map(_sign, chars))


_BLANK = r"(?:\s|%20|\+|&nbsp;|&#160;|&#xa0;|\xc2?\xa0){0,5}"
_LETTERS = r"(?:[a-z0-9_.-]|%5f){0,40}"
_NAME = f"((?:pm:|link:)?{_LETTERS}(?:unsub|optout){_LETTERS})"
# A label for the link; or what a service would do with it, which is of no use here.
_ARGUMENT = (
    r"(?:\(\)|\s*\|[^{}\[\]<>%*|#\r\n]{0,100}|\s*:\s*([^{}\[\]<>%*|#\r\n]{0,200})"
    r"|\s+(?:'([^'\r\n]{0,200})'|\"([^\"\r\n]{0,200})\"|&quot;(.{0,200}?)&quot;))?"
)


def _framed() -> str:
    return "|".join(
        f"{_signs(frame.opening)}{_BLANK}{_NAME}{_ARGUMENT}{_BLANK}{_signs(frame.closing)}"
        for frame in FRAMES
    )


FORM = re.compile(_framed().encode("latin-1"))
GROUPS = 5  # of one frame: its name and the forms of its argument
WORDED = re.compile(
    f"{_signs('<%')}((?:(?!{_signs('%>')}).){{0,200}}?){_signs('%>')}".encode("latin-1"), re.DOTALL
)

# What services put their names together of. Longest first, each tried once: nothing to go back to.
WORDS = re.compile(
    r"(?:(?>pm:|link:|subscriptions?|subscribers?|unsubscription|unsubscribed|unsubscribe|unsub|amazonses|amazon|ses"
    r"|resend|crm|system|optout|url|href|links?|page|center|all|global|groups?|asm|raw|tag|mailing|emails?|mails?"
    r"|messages?|type|channel|locale|lists?|direct|set|user|to|one|click|mc|text|html|newsletter|campaign|recipient"
    r"|contact|confirm|de|en|es|fr|it|nl|pt)[_.-]*)++\Z"
)
LEAVES = re.compile(r"unsub(?!scribed)|optout|unsubscribed_(?:url|link)")
A_LINK = re.compile(r"url|link|href|center|page|email")
MORE_THAN_A_WORD = re.compile(r"url|link|href|text")
