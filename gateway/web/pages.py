"""The pages as octets: templates, the one style sheet, and the headers that go with every answer.

Templates escape what is put into them. There is no script, no image, no font and no second request: the
style sheet stands in the page, and the policy names it by its hash, so that nothing else can be slipped in.
"""

import base64
import hashlib
from datetime import UTC, datetime
from http import HTTPStatus

from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.responses import HTMLResponse

from gateway.settings.shipped import shipped
from gateway.web.leaving import AlreadyUnsubscribed, Names, Unsubscribed

_RETRY_AFTER = 30  # seconds


def _load(name: str) -> str:
    return shipped("templates", name).read_text("utf-8")


class Pages:
    """Every page that a visitor can see."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FunctionLoader(_load), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._style = _load("page.css")
        self.headers = _headers(self._style)

    def home(self) -> HTMLResponse:
        """What this place is."""
        return self._page("home.html.j2")

    def leave(self, names: Names) -> HTMLResponse:
        """The question, with one button."""
        return self._page("leave.html.j2", names=names)

    def left(self, names: Names, outcome: Unsubscribed | AlreadyUnsubscribed) -> HTMLResponse:
        """The answer."""
        since = _day(outcome.since) if isinstance(outcome, AlreadyUnsubscribed) else ""
        return self._page("left.html.j2", names=names, since=since)

    def report(self, names: Names) -> HTMLResponse:
        """The question whether this mail is to be reported."""
        return self._page("report.html.j2", names=names)

    def reported(self, names: Names) -> HTMLResponse:
        """The thanks."""
        return self._page("reported.html.j2", names=names)

    def problem(self, status: HTTPStatus) -> HTMLResponse:
        """Why there is no page; the same octets for the same status, whatever the cause."""
        page = self._page("problem.html.j2", status=int(status))
        page.status_code = status
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            page.headers["Retry-After"] = str(_RETRY_AFTER)
        return page

    def _page(self, template: str, **values: object) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(template).render(style=self._style, **values))


def _day(at: float) -> str:
    """Return the day in words that no reader takes for another one: 3 April 2031."""
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day} {day:%B} {day.year}"


def _headers(style: str) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        ),
        "Referrer-Policy": "no-referrer",  # the path is a key
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex, nofollow",
    }
