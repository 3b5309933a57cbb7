"""``consentry dkim``: the keys that sign, and their DNS records."""

from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli import say

app = typer.Typer(help="The keys that sign mail, and their DNS records.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Domain = Annotated[str, typer.Argument(metavar="DOMAIN", help="A registered domain.")]


class KeyKind(StrEnum):
    """What the k= of a record calls it."""

    RSA = "rsa"
    ED25519 = "ed25519"


@app.command()
def generate(
    ctx: typer.Context,
    domain: Domain,
    selector: Annotated[str, typer.Option(help="The key's name in DNS, such as s2026.")],
    algorithm: Annotated[
        KeyKind, typer.Option(help="RSA has 2048 bits; both may be in use at once.")
    ] = KeyKind.RSA,
    json: Json = False,
) -> None:
    """Make a key for a domain and print its DNS record."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.signing.keys import Algorithm, BadKey, check_selector, dns_record, record_name  # noqa: PLC0415 - heavy
    from gateway.signing.keys import generate as make  # noqa: PLC0415 - heavy
    from gateway.store.registry import domain_name  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        name = domain_name(domain)
        try:
            folded = check_selector(selector)
            where = record_name(folded, name)
        except BadKey as error:
            raise say.Refused(str(error)) from error
        key = make(Algorithm(algorithm))
        house.dkim_keys.add(name, folded, str(key.algorithm), key.private_der, key.record, CLOCK.now())
    if json:
        say.as_json(
            {
                "domain": name,
                "selector": folded,
                "algorithm": str(key.algorithm),
                "name": where,
                "record": key.record,
            }
        )
        return
    say.line(dns_record(folded, name, key.record))
    say.aside("Mail is signed with this key within a second: publish the record now.")


@app.command("list")
def listing(ctx: typer.Context, domain: Domain, json: Json = False) -> None:
    """List a domain's keys and their DNS records."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.signing.keys import dns_record, record_name  # noqa: PLC0415 - heavy
    from gateway.store.registry import domain_name  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        name = domain_name(domain)
        keys = house.dkim_keys.shown(name)
    if json:
        say.as_json(
            [
                {
                    "domain": name,
                    "selector": key.selector,
                    "algorithm": key.algorithm,
                    "active": key.active,
                    "created_at": say.iso(key.created_at),
                    "name": record_name(key.selector, name),
                    "record": key.public,
                }
                for key in keys
            ]
        )
        return
    if not keys:
        say.line(f"{name} has no key: its mail goes out without a signature of its own")
    for key in keys:
        state = "" if key.active else ", retired"
        say.line(f"; {key.algorithm}, made {say.when(key.created_at)}{state}")
        say.line(dns_record(key.selector, name, key.public))


@app.command()
def retire(
    ctx: typer.Context,
    domain: Domain,
    selector: Annotated[str, typer.Option(help="Which key.")],
    json: Json = False,
) -> None:
    """Sign with a key no more. Leave its record in DNS for a week: mail under way was signed with it."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.store.registry import domain_name  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        name = domain_name(domain)
        if not any(key.selector == selector.lower() and key.active for key in house.dkim_keys.shown(name)):
            raise say.Refused(f"{name} has no key in use with the selector {selector}")
        house.dkim_keys.retire(name, selector.lower())
    if json:
        say.as_json({"domain": name, "selector": selector.lower(), "active": False})
    else:
        say.line(f"{selector.lower()}._domainkey.{name} signs no more")
