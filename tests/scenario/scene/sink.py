"""A next hop that keeps every message it gets, with the envelope, and whose replies can be scripted."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from scene.waiting import PATIENCE, free_port


@dataclass(frozen=True)
class Received:
    """One message with its envelope, octet for octet."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)  # type: ignore[return-value]

    @property
    def marker(self) -> str:
        """The X-Marker field, without a parser: some scenarios look at thousands."""
        header = self.content.partition(b"\r\n\r\n")[0]
        return header.partition(b"\r\nX-Marker: ")[2].partition(b"\r\n")[0].decode("ascii")


class Sink:
    """A next hop. ``script(recipient) -> reply or None`` may refuse; None means that it is kept."""

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        self.received: list[Received] = []
        self.script: Callable[[str], str | None] = lambda _recipient: None
        self._changed = threading.Condition()
        self._controller: Controller | None = None

    def start(self) -> None:
        """Take mail; nothing happens where it does so already."""
        if self._controller is not None:
            return
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True, data_size_limit=0
        )
        self._controller.start()

    def stop(self) -> None:
        """Refuse connections."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        reply = self.script(address)
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        with self._changed:
            # aiosmtpd keeps the null sender's brackets.
            sender = "" if envelope.mail_from == "<>" else envelope.mail_from or ""
            self.received.append(Received(sender, tuple(envelope.rcpt_tos), content))
            self._changed.notify_all()
        return "250 2.0.0 kept"

    def wait(self, count: int, seconds: float = PATIENCE) -> list[Received]:
        """Return what was received, once there are that many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= count, seconds), (
                f"{len(self.received)} of {count} messages came in {seconds} s"
            )
            return list(self.received)

    def wait_for(self, seen: Callable[[list[Received]], bool], seconds: float = PATIENCE) -> list[Received]:
        """Return what was received, once ``seen`` says so."""
        with self._changed:
            assert self._changed.wait_for(lambda: seen(self.received), seconds), (
                f"not among the {len(self.received)} messages that came in {seconds} s"
            )
            return list(self.received)

    def copies(self, marker: str, count: int = 1, seconds: float = PATIENCE) -> list[Received]:
        """Return the messages with that marker, once there are ``count`` of them."""

        def marked(seen: list[Received]) -> list[Received]:
            return [one for one in seen if one.sender and one.marker == marker]

        return marked(self.wait_for(lambda seen: len(marked(seen)) >= count, seconds))

    def copy(self, marker: str, seconds: float = PATIENCE) -> Received:
        """Return the one message with that marker."""
        (found,) = self.copies(marker, 1, seconds)
        return found

    def report(self, about: str, seconds: float = PATIENCE) -> Received:
        """Return the report that names ``about``."""

        def reports(seen: list[Received]) -> list[Received]:
            return [one for one in seen if not one.sender and about.encode() in one.content]

        return reports(self.wait_for(lambda seen: bool(reports(seen)), seconds))[0]
