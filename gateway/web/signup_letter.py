"""The letter that asks the owner of an address whether it was them who signed up.

What it promises: it says in the language of the form what the list is, who asked from where, and until when
there is time; and all that ``gateway.web.list_letter`` does.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gateway.mime.headers import printable
from gateway.model.letter import LetterKind
from gateway.model.signup import Pending
from gateway.model.token import Purpose, Token, seal
from gateway.pipeline.links import Links
from gateway.web.joining import shown
from gateway.web.languages import Language, load_languages, nearest
from gateway.web.list_letter import LONGEST_NAME, LONGEST_TEXT, ListLetter, in_language, whole
from gateway.web.pages import environment


class SignupLetters:
    """Composes. ``links`` and ``letters_from`` are asked at each letter, so a reload shows."""

    def __init__(self, links: Callable[[], Links], letters_from: Callable[[], str]) -> None:
        self._links = links
        self._letters_from = letters_from
        self._languages: Mapping[str, Language] = load_languages()
        self._templates = {
            tag: environment(one).get_template("letter_signup.html.j2")
            for tag, one in self._languages.items()
        }

    def compose(self, kind: LetterKind, pending: Pending, now: float) -> bytes:
        """Return the whole message: the question, or its one reminder."""
        language = nearest(pending.language, self._languages)
        said = _Said(_printable(pending), kind, language, self._url(pending, language))
        html = self._templates[language.tag].render(
            letter=said.pending,
            shown=said.shown,
            subject=said.subject,
            url=said.url,
            source=said.pending.source,
            last=said.is_last,
            language=language,
        )
        letter = ListLetter(
            sender=self._letters_from(),
            to=pending.address,
            subject=said.subject,
            mail_list=said.pending.mail_list,
            list_identifier=pending.list_identifier,
            url=said.url,
            language=language,
            digest=said.digest,
            now=now,
        )
        return whole(letter, _text(said), html)

    def _url(self, pending: Pending, language: Language) -> str:
        links = self._links()
        names = pending.account_id, pending.list_id, pending.address_hash, pending.id
        token = seal(Token(Purpose.SIGNUP, *names), links.key_id, links.key)
        return in_language(f"{links.public_url}/s/{token}", language)


@dataclass(frozen=True, slots=True)
class _Said:
    """One letter and how it is said."""

    pending: Pending  # printable
    kind: LetterKind
    language: Language
    url: str

    @property
    def is_last(self) -> bool:
        return self.kind is LetterKind.REMINDER

    @property
    def subject(self) -> str:
        if self.is_last:
            return self.language.say("Reminder: please confirm %(list)s", list=self.pending.mail_list)
        return self.language.say("Please confirm: subscribe to %(list)s", list=self.pending.mail_list)

    @property
    def shown(self) -> tuple[str, ...]:
        return shown(self.language, self.pending)

    @property
    def digest(self) -> str:
        """A name that follows from the letter: a copy that is sent twice is seen to be one."""
        return hashlib.sha256(f"{self.kind} {self.url}".encode()).hexdigest()[:32]


def _text(said: _Said) -> str:
    """Return the text. Its words are those of letter_signup.html.j2."""
    say, letter, language = said.language.say, said.pending, said.language
    asked = {"date": language.day(letter.asked_at), "time": language.time(letter.asked_at)}
    paragraphs = [
        say("Hello,"),
        say(
            "somebody, probably you, asked to put this address on the list %(list)s of %(account)s.",
            list=letter.mail_list,
            account=letter.account,
        ),
        "\n".join(f"  {line}" for line in said.shown),
        say("If it was you, open this page and say yes:"),
        said.url,
        say(
            "If it was not you, do nothing: without your yes no more mail comes. Or open the page and press "
            "“This was not me”: then no form of this sender writes to you for 30 days."
        ),
        *([say("This is the only reminder.")] if said.is_last else []),
        "\n".join(
            (
                say("Asked on %(date)s, %(time)s UTC", **asked),
                *([say("from the address %(ip)s", ip=letter.ip)] if letter.ip else []),
                say("at %(source)s", source=letter.source),
            )
        ),
        say(
            "If nobody answers by %(date)s, all that was kept of this is erased.",
            date=language.day(letter.expires_at),
        ),
    ]
    return "\n\n".join(paragraphs) + "\n"


def _printable(pending: Pending) -> Pending:
    """Return the names on one line each, cut: they are the account's own words, or a program's."""
    return replace(
        pending,
        mail_list=printable(pending.mail_list)[:LONGEST_NAME],
        account=printable(pending.account)[:LONGEST_NAME],
        description=printable(pending.description)[:LONGEST_TEXT],
        frequency=printable(pending.frequency)[:LONGEST_NAME],
        source=printable(pending.source)[:LONGEST_TEXT],
        ip=printable(pending.ip)[:LONGEST_NAME],
    )
