"""``consentry``: the command line of the gateway.

Exit codes: 0 done; 1 refused, with the reason on standard error; 2 wrong usage. Each command group has a file
of its own, and imports what is heavy only when it runs: ``consentry --help`` answers at once.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from gateway.cli import (
    accounts,
    additions,
    api_keys,
    certificates,
    demo,
    dkim_keys,
    domains,
    endings,
    explain,
    imports,
    initialise,
    ledger,
    link_keys,
    lists,
    persons,
    queue,
    running,
    say,
    subscribers,
    webhooks,
)
from gateway.cli.corpus import command as corpus


class _Group(typer.core.TyperGroup):
    """Turns ``Refused`` of any command into a message and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except say.Refused as refused:
            say.error(str(refused))
            raise typer.Exit(1) from refused
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # Whoever read our output has gone, as `| head` does; what is left must not be written at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None


app = typer.Typer(
    name="consentry",
    cls=_Group,
    help="An outbound SMTP gateway that sends only what people asked for.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="The gateway's gateway.toml.", envvar="CONSENTRY_CONFIG", metavar="FILE"),
    ] = None,
) -> None:
    """An outbound SMTP gateway that sends only what people asked for."""
    ctx.obj = config


app.command("init")(initialise.init)
app.command("run")(running.run)
app.command("check")(running.check)
app.command("reload")(running.reload)
accounts.app.command("cancel")(endings.cancel)
accounts.app.command("restore")(endings.restore)
accounts.app.command("terms")(endings.terms)
accounts.app.command("erased")(certificates.erased)
accounts.app.add_typer(certificates.app, name="certificate")
app.add_typer(accounts.app, name="account")
app.add_typer(domains.app, name="domain")
app.add_typer(dkim_keys.app, name="dkim")
app.add_typer(link_keys.app, name="key")
app.add_typer(lists.app, name="list")
app.add_typer(subscribers.app, name="subscriber")
app.add_typer(persons.app, name="person")
app.add_typer(ledger.app, name="ledger")
app.add_typer(imports.app, name="import")
app.add_typer(api_keys.app, name="apikey")
app.add_typer(additions.app, name="additions")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(queue.app, name="queue")
app.command("explain")(explain.explain)
app.command("corpus")(corpus.corpus)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command line."""
    app(prog_name="consentry")


if __name__ == "__main__":
    main()
