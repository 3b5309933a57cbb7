"""The one message that a friend gets to whom a reader recommends a list.

What it promises: it says who recommends, by name and address, in the text and in the footer; it is no
subscription and says so; and all that ``gateway.web.list_letter`` does.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.mime.headers import printable
from gateway.model.recommendation import Invitation
from gateway.model.token import Purpose, Token, seal
from gateway.pipeline.links import Links
from gateway.web.joining import about
from gateway.web.languages import Language, load_languages, nearest
from gateway.web.list_letter import LONGEST_NAME, LONGEST_TEXT, ListLetter, in_language, whole
from gateway.web.pages import environment


class InvitationLetters:
    """Composes. ``links`` and ``letters_from`` are asked at each letter, so a reload shows."""

    def __init__(self, links: Callable[[], Links], letters_from: Callable[[], str]) -> None:
        self._links = links
        self._letters_from = letters_from
        self._languages = load_languages()
        self._templates = {
            tag: environment(one).get_template("letter_invitation.html.j2")
            for tag, one in self._languages.items()
        }

    def compose(self, invitation: Invitation, now: float) -> bytes:
        """Return the whole message."""
        language = nearest(invitation.language, self._languages)
        said = _Said(_printable(invitation), language, self._url(invitation, language))
        html = self._templates[language.tag].render(
            letter=said.invitation,
            about=said.about,
            subject=said.subject,
            url=said.url,
            footer=said.footer,
            language=language,
        )
        letter = ListLetter(
            sender=self._letters_from(),
            to=invitation.friend,
            subject=said.subject,
            mail_list=said.invitation.mail_list,
            list_identifier=invitation.list_identifier,
            url=said.url,
            language=language,
            digest=hashlib.sha256(said.url.encode()).hexdigest()[:32],
            now=now,
        )
        return whole(letter, _text(said), html)

    def _url(self, invitation: Invitation, language: Language) -> str:
        links = self._links()
        names = invitation.account_id, invitation.list_id, invitation.address_hash, invitation.id
        token = seal(Token(Purpose.INVITATION, *names), links.key_id, links.key)
        return in_language(f"{links.public_url}/i/{token}", language)


@dataclass(frozen=True, slots=True)
class _Said:
    """One invitation and how it is said."""

    invitation: Invitation  # printable
    language: Language
    url: str

    @property
    def subject(self) -> str:
        """Without the name of who recommends: it is a stranger's word to a stranger."""
        return self.language.say("A recommendation for you: %(list)s", list=self.invitation.mail_list)

    @property
    def about(self) -> tuple[str, ...]:
        return about(self.language, self.invitation)

    @property
    def footer(self) -> str:
        who = f"{self.invitation.name} <{self.invitation.address}>"
        return self.language.say("%(who)s recommended", who=who)


def _text(said: _Said) -> str:
    """Return the text. Its words are those of letter_invitation.html.j2."""
    say, invitation = said.language.say, said.invitation
    paragraphs = [
        say("Hello,"),
        say(
            "%(name)s (%(address)s) reads %(list)s by %(account)s, and recommends it to you.",
            name=invitation.name,
            address=invitation.address,
            list=invitation.mail_list,
            account=invitation.account,
        ),
        *(f"  {line}" for line in said.about),
        said.url,
        say(
            "You are on no list: this invitation comes once, and without your yes no more. On the same page "
            "you can say that you want no invitations at all."
        ),
        f"-- \n{said.footer}",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _printable(invitation: Invitation) -> Invitation:
    """Return the names on one line each, cut: they are the account's own words."""
    return replace(
        invitation,
        mail_list=printable(invitation.mail_list)[:LONGEST_NAME],
        account=printable(invitation.account)[:LONGEST_NAME],
        description=printable(invitation.description)[:LONGEST_TEXT],
        frequency=printable(invitation.frequency)[:LONGEST_NAME],
    )
