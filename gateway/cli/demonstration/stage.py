"""What people see of the demonstration: the dialogue, what arrived, the link, how to go on."""

import asyncio
import re
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from gateway.cli.demonstration import story
from gateway.cli.demonstration.dialogue import send
from gateway.cli.demonstration.hop import Arrival, Hop
from gateway.cli.demonstration.tenant import Tenant
from gateway.cli.say import Refused

_ARRIVAL = 30.0  # seconds until a message must have come through
_STYLES = {"2": "green", "3": "cyan", "4": "yellow", "5": "bold red"}


class Stage:
    """Plays the story on a console; every wait is bounded."""

    def __init__(self, hop: Hop, tenant: Tenant) -> None:
        self._hop = hop
        self._tenant = tenant
        self._console = Console(highlight=False)
        self._reply = ""  # to the newsletter's content: it names the message

    def introduce(self) -> None:
        """Say who takes part."""
        self._title("A gateway, a tenant, a next hop")
        self._line(
            f"The tenant {story.ACCOUNT!r} may send as {story.DOMAIN}, and has a list, {story.LIST_ID}."
        )
        self._line(f"On the list: {' and '.join(story.SUBSCRIBED)}. Not on it: {story.STRANGER}.")
        self._line("Starting the gateway ...", style="dim")

    async def play(self, ready: str) -> None:
        """Send the newsletter, and show what arrives."""
        self._line(f"{ready[:1].upper()}{ready[1:]}", style="dim")
        self._title("The tenant sends one newsletter to all three")
        everyone = (*story.SUBSCRIBED, story.STRANGER)
        self._reply = await send(self._tenant.login, story.SENDER, everyone, story.NEWSLETTER, self._say)
        arrivals = [await self._arrival() for _ in story.SUBSCRIBED]
        first = min(arrivals, key=lambda arrival: arrival.recipient)
        self._title(f"What arrived for {first.recipient} (+ what the gateway put in)")
        story.show_headers(self._console, first.content)
        self._title("The footers, in the charset and encoding of each part")
        story.show_footers(self._console, first.content)
        self._title("What came of it")
        self._say_result(arrivals)

    def say_how_to_go_on(self) -> None:
        """Say how to send more."""
        login = self._tenant.login
        self._title("Try it with your own mail program")
        for name, value in (
            ("server", f"{login.host}, port {login.port}, STARTTLS or no encryption"),
            ("user", login.user),
            ("password", login.password),
            ("from", story.SENDER),
            ("to", " or ".join(story.SUBSCRIBED)),
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
            self._command(f"consentry --config {self._tenant.config} explain {found[1]}")
        self._line("Each delivery is told here. Ctrl-C ends the demonstration.", style="bold")
        self._line("")

    async def tell_arrivals(self) -> None:
        """Say each delivery from now on."""
        while True:
            arrival = await self._hop.arrivals.get()
            headers = BytesHeaderParser().parsebytes(arrival.content)
            subject = str(make_header(decode_header(headers.get("Subject", "(no subject)"))))
            self._line(f"delivered to {arrival.recipient}: {subject}  {arrival.file}", style="green")

    def say_good_bye(self) -> None:
        """Say what is left."""
        self._line("")
        self._line(f"The gateway has ended. What arrived stays in {self._hop.folder}", style="dim")

    async def _arrival(self) -> Arrival:
        try:
            async with asyncio.timeout(_ARRIVAL):
                return await self._hop.arrivals.get()
        except TimeoutError as error:
            raise Refused(f"nothing arrived at the next hop within {_ARRIVAL:.0f} s") from error

    def _say_result(self, arrivals: list[Arrival]) -> None:
        for arrival in arrivals:
            self._console.print(
                Text.assemble(("  delivered  ", "green"), f"{arrival.recipient}  {arrival.file}"),
                soft_wrap=True,
            )
        self._console.print(Text.assemble(("  refused    ", "bold red"), story.STRANGER), soft_wrap=True)
        self._line("")
        first = min(arrivals, key=lambda arrival: arrival.recipient)
        self._line(f"The link that lets {first.recipient} leave:")
        self._line(f"  {story.unsubscribe_url(first.content)}", style="underline")

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
