"""The footer in the languages that the pages speak: the words as data, and templates made of them. Pure.

A list that names its language (``consentry list set --language``) gets its footer in it. The words are those
of the pages behind the links (``config/locale``) where those say the same. The reason says nothing of the
reader but that there is a subscription: no form of address that fits some readers only.
"""

from collections.abc import Mapping
from typing import NamedTuple

# What a message's own style sheet may want to do to the footer, it cannot: nothing outdoes an important
# declaration in the element itself (CSS Cascade 4 section 6.1). What makes it readable stands there plainly
# too, for Word's engine, which passes over what is important.
_STAYS = (
    "visibility:visible!important;opacity:1!important;position:static!important;float:none!important;"
    "text-indent:0!important;clip-path:none!important;transform:none!important;filter:none!important;"
    "content-visibility:visible!important;pointer-events:auto!important;font:12px/1.5 sans-serif!important;"
)
LINK_STYLE = "color:#1155cc;-webkit-text-fill-color:#1155cc;text-decoration:underline"
LEAVE_STYLE = (
    f"{LINK_STYLE};\nall:initial!important;display:inline!important;{_STAYS}"
    "color:#1155cc!important;-webkit-text-fill-color:#1155cc!important;background:none!important;"
    "text-decoration:underline!important;cursor:pointer!important"
)
BOX_STYLE = (
    "clear:both;margin:24px 0 0;padding:12px;background:#ffffff;color:#555555;"
    "font:12px/1.5 sans-serif;text-align:center;mso-hide:none;"
    f"\nall:initial!important;display:block!important;{_STAYS}clear:both!important;"
    "width:auto!important;height:auto!important;max-width:none!important;max-height:none!important;"
    "overflow:visible!important;margin:24px 0 0!important;padding:12px!important;"
    "background:#ffffff!important;color:#555555!important;-webkit-text-fill-color:#555555!important;"
    "text-align:center!important"
)


class Words(NamedTuple):
    """One language's. ``{list}`` in the reason is where the list's name stands."""

    reason: str
    leave: str
    why: str
    report: str


class Templates(NamedTuple):
    """A footer's three forms, as Jinja2 has them."""

    text: str
    html: str
    amp: str


WORDS: Mapping[str, Words] = {
    "de": Words(
        "Sie erhalten diese Nachricht, weil {list} unter dieser Adresse abonniert ist.",
        "Abmelden",
        "Warum bekomme ich das?",
        "Missbrauch melden",
    ),
    "en": Words(
        "You receive this message because you are subscribed to {list}.",
        "Unsubscribe",
        "Why did I get this?",
        "Report abuse",
    ),
    "es": Words(
        "Recibe este mensaje por su suscripción a {list}.",
        "Darse de baja",
        "¿Por qué recibo esto?",
        "Denunciar un abuso",
    ),
    "fr": Words(
        "Vous recevez ce message en raison de votre abonnement à {list}.",
        "Se désabonner",
        "Pourquoi ai-je reçu ceci\N{NO-BREAK SPACE}?",
        "Signaler un abus",
    ),
    "ro": Words(
        "Primiți acest mesaj în urma abonării la {list}.",
        "Dezabonare",
        "De ce am primit acest mesaj?",
        "Raportați un abuz",
    ),
}


def templates_in(language: str) -> Templates:
    """Return the footer in a language of ``WORDS``."""
    words = WORDS[language]
    bold = words.reason.format(list="<b>{{ list_name }}</b>")
    plain = words.reason.format(list="{{ list_name }}")
    links = (
        (words.leave, "unsubscribe_url"),
        (words.why, "why_url"),
        (words.report, "abuse_url"),
    )
    styles = (LEAVE_STYLE, LINK_STYLE, LINK_STYLE)
    styled = [
        f'<a href="{{{{ {url} }}}}" style="{style}">{text}</a>'
        for (text, url), style in zip(links, styles, strict=True)
    ]
    bare = [f'<a href="{{{{ {url} }}}}">{text}</a>' for text, url in links]
    return Templates(
        "\n".join((plain, *(_line(text, url) for text, url in links), "")),
        f'<div lang="{language}" style="{BOX_STYLE}">\n{bold}<br>\n' + _row(styled) + "\n</div>\n",
        f"<p>{plain}<br>\n{_row(bare)}</p>\n",
    )


def _line(text: str, url: str) -> str:
    return f"{text}{'' if text.endswith('?') else ':'} {{{{ {url} }}}}"


def _row(links: list[str]) -> str:
    return " &middot;\n".join(links)
