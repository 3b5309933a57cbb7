"""The config that a command works with: ``--config``, read and checked, or a refusal with all its errors."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gateway.cli import say

if TYPE_CHECKING:
    from gateway.app.configuration import Configuration


def config_file(ctx: typer.Context) -> Path:
    """Return the file named by --config or CONSENTRY_CONFIG; without one the usage is wrong."""
    path = ctx.find_root().obj
    if not isinstance(path, Path):
        raise typer.BadParameter(
            'say which gateway: "consentry --config DIR/gateway.toml ...", or set CONSENTRY_CONFIG',
            param_hint="--config",
        )
    return path


def read(path: Path) -> "Configuration":
    """Return both files as they stand, checked against each other and the disk; raise Refused."""
    from gateway.app import configuration  # noqa: PLC0415 - heavy
    from gateway.settings.problem import BadConfig  # noqa: PLC0415 - heavy

    try:
        return configuration.read(path.absolute())
    except BadConfig as error:
        raise say.Refused("\n  ".join(["the config cannot be used:", *map(str, error.problems)])) from error
