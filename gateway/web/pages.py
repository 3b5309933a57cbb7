"""The pages as octets: templates, style sheets, and the headers that go with every answer.

Templates escape what is put into them; a text is said in the visitor's language. There is no font, no script
but that of one page (gateway.web.join_pages), and no second request but for an account's logo, from our own
origin: the style sheets stand in the page, and the policy names each by its hash, so that nothing else can be
slipped in.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from gateway.model.facts import Basis
from gateway.settings.shipped import shipped
from gateway.web.colour import brand_style
from gateway.web.languages import Language, Visit, load_languages, visit
from gateway.web.leaving import AlreadyUnsubscribed, Brand, Logo, Story

_RETRY_AFTER = 30  # seconds
_NO_BRAND = Brand()


@dataclass(frozen=True, slots=True)
class Links:
    """The tokens that a page leads to; "" where it leads to no such page."""

    leave: str = ""
    report: str = ""
    why: str = ""
    recommend: str = ""
    undo: str = ""
    undo_until: float = 0.0  # seconds since the epoch


class Pages:
    """Every page that a visitor can see."""

    def __init__(self) -> None:
        self._languages = load_languages()
        self._templates = {tag: environment(one) for tag, one in self._languages.items()}
        self._style = load_text("page.css")
        self.headers = _HEADERS | {"Content-Security-Policy": _policy(self._style)}

    def visit(self, scope: Scope) -> Visit:
        """Return how a request wants its page."""
        return visit(scope, self._languages)

    def home(self, seen: Visit) -> HTMLResponse:
        """What this place is."""
        return self.page(seen, "home.html.j2")

    def leave(self, seen: Visit, story: Story, links: Links, *, by_letter: bool) -> HTMLResponse:
        """The question, with the ways out; ``by_letter``: a letter asks whether it was them."""
        return self.page(seen, "leave.html.j2", story.brand, story=story, links=links, by_letter=by_letter)

    def left(self, seen: Visit, story: Story, links: Links, *, everything: bool = False) -> HTMLResponse:
        """The answer: they are off the list, or off all lists."""
        return self.page(
            seen, "left.html.j2", story.brand, story=story, links=links, everything=everything, since=0.0
        )

    def left_before(
        self, seen: Visit, story: Story, links: Links, before: AlreadyUnsubscribed
    ) -> HTMLResponse:
        """The answer to who had left already."""
        return self.page(
            seen,
            "left.html.j2",
            story.brand,
            story=story,
            links=links,
            everything=False,
            since=before.since,
        )

    def paused(self, seen: Visit, story: Story, links: Links, until: float) -> HTMLResponse:
        """The answer: the list is silent until then."""
        return self.page(seen, "paused.html.j2", story.brand, story=story, links=links, until=until)

    def asked(self, seen: Visit, story: Story) -> HTMLResponse:
        """The answer: there is a letter under way."""
        return self.page(seen, "asked.html.j2", story.brand, story=story)

    def undo(self, seen: Visit) -> HTMLResponse:
        """The question whether it was a mistake."""
        return self.page(seen, "undo.html.j2")

    def undone(self, seen: Visit) -> HTMLResponse:
        """The answer: all is as it was."""
        return self.page(seen, "undone.html.j2")

    def too_late(self, seen: Visit) -> HTMLResponse:
        """The answer to an undo that has nothing to take back any more."""
        return self.page(seen, "too_late.html.j2")

    def report(self, seen: Visit, story: Story) -> HTMLResponse:
        """The question whether this mail is to be reported."""
        return self.page(seen, "report.html.j2", story.brand, story=story)

    def reported(self, seen: Visit, story: Story) -> HTMLResponse:
        """The thanks."""
        return self.page(seen, "reported.html.j2", story.brand, story=story)

    def why(self, seen: Visit, story: Story, links: Links) -> HTMLResponse:
        """Why they get this mail, and from whom."""
        return self.page(seen, "why.html.j2", story.brand, story=story, links=links, Basis=Basis)

    def problem(self, status: HTTPStatus, scope: Scope) -> HTMLResponse:
        """Why there is no page; the same octets for the same status and language, whatever the cause."""
        page = self.page(self.visit(scope), "problem.html.j2", status=int(status))
        page.status_code = status
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            page.headers["Retry-After"] = str(_RETRY_AFTER)
        return page

    def page(
        self,
        seen: Visit,
        template: str,
        brand: Brand = _NO_BRAND,
        *,
        up: str = "../",
        script: str = "",
        **values: object,
    ) -> HTMLResponse:
        """Return a page from its template; ``up``: the way from its address to the root."""
        styles = [self._style, *([brand_style(brand.colour)] if brand.colour else [])]
        common = {"styles": styles, "brand": brand, "seen": seen, "up": up, "script": script}
        text = (
            self._templates[seen.language.tag]
            .get_template(template)
            .render(languages=self._languages.values(), **common, **values)
        )
        page = HTMLResponse(text)
        page.headers["Content-Language"] = seen.language.tag
        page.headers["Vary"] = "Accept-Language"
        if script or brand is not _NO_BRAND:
            policy = _policy(*styles, logo=bool(brand.logo), script=script)
            page.headers["Content-Security-Policy"] = policy
        return page


def picture(logo: Logo) -> Response:
    """A logo. Its name follows from its octets, so it may be kept for ever."""
    return Response(
        logo.octets,
        media_type=logo.media_type,
        headers={
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def load_text(name: str) -> str:
    """Return a file of the templates."""
    return shipped("templates", name).read_text("utf-8")


def environment(language: Language) -> Environment:
    """Return what makes text of templates, in a language."""
    environment = Environment(
        loader=FunctionLoader(load_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(language.texts, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {"day": language.day, "time": language.time, "name": _name}
    return environment


def _name(text: str) -> Markup:
    """Somebody's own word: apart from the text's direction, and visible as theirs."""
    return Markup("<strong><bdi>{}</bdi></strong>").format(escape(text))


@lru_cache(maxsize=1024)
def _policy(*styles: str, logo: bool = False, script: str = "") -> str:
    hashes = " ".join(f"'sha256-{_digest(style)}'" for style in styles)
    images = "img-src 'self'; " if logo else ""
    scripts = f"script-src 'sha256-{_digest(script)}'; " if script else ""
    return (
        f"default-src 'none'; style-src {hashes}; {images}{scripts}form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")


_HEADERS = {
    "Referrer-Policy": "no-referrer",  # the path is a key
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
