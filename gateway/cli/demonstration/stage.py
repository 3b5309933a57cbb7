"""What people see of the demonstration: the dialogue, what arrived, the link, how to go on."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from gateway.cli.demonstration import story
from gateway.cli.demonstration.dialogue import ask_for, bring, send
from gateway.cli.demonstration.hop import Arrival, Hop
from gateway.cli.demonstration.tenant import Tenant
from gateway.cli.say import Refused

_ARRIVAL = 30.0  # seconds until a message must have come through
_STYLES = {"2": "green", "3": "cyan", "4": "yellow", "5": "bold red"}


class _Screen(Console):
    """A console whose reader may go away, as that of ``| head`` does: nobody is shown the rest."""

    def on_broken_pipe(self) -> None:
        """Write nothing more, and leave nothing to be written at exit."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Stage:
    """Plays the story on a console; every wait is bounded."""

    def __init__(self, hop: Hop, tenant: Tenant) -> None:
        self._hop = hop
        self._tenant = tenant
        self._console = _Screen(highlight=False)
        self._reply = ""  # to the newsletter's content: it names the message

    def introduce(self) -> None:
        """Say who takes part."""
        self._title("A gateway, a tenant, a next hop")
        self._line(f"The tenant {story.ACCOUNT!r} may send as {story.DOMAIN}. Its list: {story.LIST_ID}.")
        self._line(f"On it: {' and '.join(story.SUBSCRIBED)}. Not on it: {story.STRANGER}.")
        self._line("Starting the gateway ...", style="dim")

    async def play(self, ready: str) -> None:
        """Send the newsletter, and show what arrives."""
        self._console.print(Text(f"{ready[:1].upper()}{ready[1:]}", style="dim"))
        self._title("The tenant sends one newsletter to all three")
        everyone = (*story.SUBSCRIBED, story.STRANGER)
        sent = await send(self._tenant.login, story.SENDER, everyone, story.NEWSLETTER, self._say)
        self._reply = sent.content
        refused = {one: reply for one, reply in sent.recipients.items() if not reply.startswith("250")}
        if set(refused) != {story.STRANGER}:
            raise Refused(f"only {story.STRANGER} should have been refused: {sent.recipients}")
        arrivals = sorted([await self._arrival() for _ in story.SUBSCRIBED], key=lambda one: one.recipient)
        first = arrivals[0]
        self._title(f"What arrived for {first.recipient} (+ what the gateway put in)")
        story.show_headers(self._console, first.content)
        self._title("The footers, in the charset and encoding of each part")
        story.show_footers(self._console, first.content)
        self._title("What came of it")
        self._say_result(arrivals, refused)
        await self._leave_by_mail(arrivals[-1])

    async def _leave_by_mail(self, copy: Arrival) -> None:
        """Let a reader write where the header's mailto leads, and show what comes of it."""
        reader, (mailbox, subject) = copy.recipient, story.mailto(copy.content)
        self._title(f"{reader} leaves by a letter to {mailbox or 'nowhere'}")
        content = story.letter(reader, mailbox, subject)
        taken = await bring(self._tenant.inbound, reader, mailbox, content, self._say)
        refusal = await ask_for(self._tenant.login, story.SENDER, reader)
        answer = await self._arrival()
        self._line("")
        self._result("left", "green", reader, taken)
        self._result("refused", "bold red", reader, f"{refusal}, at the next newsletter")
        self._result("answered", "green", reader, str(answer.file))

    def say_how_to_go_on(self) -> None:
        """Say how to send more."""
        login = self._tenant.login
        self._title("Try it with your own mail program")
        for name, value in (
            ("server", f"{login.host}, port {login.port}, STARTTLS or no encryption"),
            ("user", login.user),
            ("password", login.password),
            ("from", story.SENDER),
            ("to", story.SUBSCRIBED[0]),
        ):
            self._console.print(Text.assemble((f"  {name:<10}", "bold"), value), soft_wrap=True)
        self._line("")
        self._command(
            f"swaks --server {login.host}:{login.port} --auth PLAIN --auth-user {login.user} "
            f"--auth-password {login.password} --from {story.SENDER} --to {story.SUBSCRIBED[0]}"
        )
        self._line("")
        self._line("Open the link above, press its button, and send again: the recipient is refused.")
        if found := re.search(r"queued as (\w+)", self._reply, re.IGNORECASE):
            self._line("What happened to the newsletter, step by step:")
            self._command(f"{_program()} --config {self._tenant.config} explain {found[1]}")
        self._line("Each delivery is told here. Ctrl-C ends the demonstration.", style="bold")
        self._line("")

    async def tell_arrivals(self) -> None:
        """Say each delivery from now on."""
        while True:
            arrival = await self._hop.arrivals.get()
            headers = BytesHeaderParser().parsebytes(arrival.content)
            subject = str(make_header(decode_header(headers.get("Subject", "(no subject)"))))
            self._line(f"delivered to {arrival.recipient}: {subject}  {arrival.file}", style="green")

    async def _arrival(self) -> Arrival:
        try:
            async with asyncio.timeout(_ARRIVAL):
                return await self._hop.arrivals.get()
        except TimeoutError as error:
            raise Refused(f"nothing arrived at the next hop within {_ARRIVAL:.0f} s") from error

    def _say_result(self, arrivals: Sequence[Arrival], refused: Mapping[str, str]) -> None:
        width = max(map(len, (*story.SUBSCRIBED, story.STRANGER)))
        for one in arrivals:
            self._result("delivered", "green", one.recipient.ljust(width), str(one.file))
        for recipient, reply in refused.items():
            self._result("refused", "bold red", recipient.ljust(width), reply)
        self._line("")
        self._line(f"The link that lets {arrivals[0].recipient} leave:")
        self._line(f"  {story.unsubscribe_url(arrivals[0].content)}", style="underline")

    def _result(self, what: str, style: str, recipient: str, more: str) -> None:
        self._console.print(
            Text.assemble((f"  {what:<9}  ", style), f"{recipient}  ", (more, "dim")), soft_wrap=True
        )

    def _say(self, who: str, text: str) -> None:
        style = "blue" if who == "C" else _STYLES.get(text[:1], "")
        self._console.print(Text.assemble((f"  {who}: ", "bold"), (text, style)), soft_wrap=True)

    def _title(self, text: str) -> None:
        self._console.print()
        self._console.print(Rule(Text(text, style="bold"), align="left", style="dim"))

    def _command(self, text: str) -> None:
        self._console.print(Text(f"  {text}", style="cyan"), soft_wrap=True)

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)


def _program() -> str:
    """Return how this program is called here: it may not be on the PATH."""
    called = sys.argv[0]
    return called if called.endswith("/consentry") and shutil.which("consentry") != called else "consentry"
