"""``consentry key``: the keys that sign links in mail."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import say

app = typer.Typer(help="The keys that sign links in mail.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command()
def rotate(ctx: typer.Context, json: Json = False) -> None:
    """Make a new key that signs from the next reload on; links signed by older ones work for ever."""
    from gateway.cli.configured import config_file, read  # noqa: PLC0415 - heavy
    from gateway.settings.secret_files import BadSecret  # noqa: PLC0415 - heavy
    from gateway.store.tokens import rotate_token_keys  # noqa: PLC0415 - heavy

    name = read(config_file(ctx)).settings.secrets.token_keys
    if name.startswith("credential:"):
        raise say.Refused(
            f"{name} is handed over by systemd: add a line to its source (an id higher by one, a blank, "
            "64 hexadecimal digits), take none away, and restart"
        )
    try:
        made = rotate_token_keys(Path(name))
    except (BadSecret, OSError) as error:
        raise say.Refused(str(error)) from error
    if json:
        say.as_json({"current": made.current_id, "keys": sorted(made.keys)})
        return
    say.line(f"key {made.current_id} signs new links once the gateway has reloaded: consentry reload")
    say.aside(f"{name} has {len(made.keys)} keys; keep a copy of it, and never take a line away.")


@app.command("list")
def listing(ctx: typer.Context, json: Json = False) -> None:
    """List the keys by their numbers; the last one signs."""
    from gateway.cli.configured import config_file, read  # noqa: PLC0415 - heavy

    keys = read(config_file(ctx)).tokens
    if json:
        say.as_json({"current": keys.current_id, "keys": sorted(keys.keys)})
        return
    say.table(
        ["KEY", "SIGNS"],
        [[str(one), "yes" if one == keys.current_id else "no"] for one in sorted(keys.keys)],
    )
