"""``consentry import``: many addresses at once, looked at as a whole before any of them counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import say

if TYPE_CHECKING:
    from gateway.app.importing import ImportDesk
    from gateway.cli.opened import Opened
    from gateway.store.import_cases import Case

app = typer.Typer(
    help="Many addresses at once, looked at as a whole before any of them counts.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT")]
Id = Annotated[str, typer.Argument(metavar="IMPORT", help="The id that add and list say.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.", metavar="TEXT")]

_FAULTS = 20  # lines that are shown


class Basis(StrEnum):
    """What a tenant may state of many: a double opt-in is one person's own act."""

    ASSERTED = "asserted"
    ACCOUNT = "account"


class Kind(StrEnum):
    """How a file is written."""

    CSV = "csv"
    NDJSON = "ndjson"


@app.command()
def add(
    ctx: typer.Context,
    account: Account,
    list_id: Annotated[str, typer.Argument(metavar="LIST-ID")],
    file: Annotated[str, typer.Argument(metavar="FILE", help='"-": standard input.')],
    *,
    basis: Annotated[Basis, typer.Option(help="Why they may be written to.")] = Basis.ASSERTED,
    source: Annotated[
        str, typer.Option(help="Where and when they said yes. It is kept as evidence.", metavar="TEXT")
    ] = "",
    kind: Annotated[Kind, typer.Option("--format", help="How the file is written.")] = Kind.CSV,
    address: Annotated[str, typer.Option(help="The column of the addresses.", metavar="COLUMN")] = "",
    at: Annotated[str, typer.Option(help="The column of the times of consent.", metavar="COLUMN")] = "",
    ip: Annotated[str, typer.Option(help="The column of the IP addresses.", metavar="COLUMN")] = "",
    form: Annotated[str, typer.Option(help="The column of each row's own source.", metavar="COLUMN")] = "",
    delimiter: Annotated[str, typer.Option(help="Between columns; found by itself.", metavar="CHAR")] = "",
    encoding: Annotated[str, typer.Option(help="Of the file; UTF-16 is seen by itself.")] = "utf-8",
    resume: Annotated[
        str, typer.Option(help="Go on with an import that was cut off.", metavar="IMPORT")
    ] = "",
    json: Json = False,
) -> None:
    """Import a file: CSV with a header, an address a line, or NDJSON.

    Its rows are put aside and looked at as a whole; then policy decides whether they count, are asked for a
    double opt-in, are held for "approve" or "reject", or are refused. Columns are names of the header, or
    numbers from 1. Without --address and the others, common names are looked for.
    """
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, actor, list_of  # noqa: PLC0415 - heavy
    from gateway.imports import reading  # noqa: PLC0415 - heavy
    from gateway.model import facts  # noqa: PLC0415 - heavy

    _check_delimiter(delimiter)
    with opened(ctx) as house, _refusing(), _desk(ctx, house) as desk:
        owner = account_of(house, account)
        to = list_of(owner, list_id)
        if resume:
            case = desk.cases.show(resume, owner.id)
        else:
            _check_source(source)
            said = reading.Form(reading.Kind(kind), address, at, ip, form, delimiter, encoding)
            case = desk.begin(owner.id, to.id, facts.Basis(basis), source, file, said, f"operator {actor()}")
            say.aside(f"import {case.id}")
        with _progress() as bars:
            with bars.octets(file) as chunks:
                case = desk.receive(case, chunks, bars.lines)
            case = desk.proceed(case, bars.applied(case.rows))
    _tell(case, json=json)


@app.command()
def resume(ctx: typer.Context, import_id: Id, json: Json = False) -> None:
    """Go on with an import whose rows are all there: examine, decide, apply.

    The web process does so by itself. An import whose file was cut off goes on by "add ... --resume IMPORT".
    """
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house, _refusing(), _desk(ctx, house) as desk:
        case = desk.cases.show(import_id)
        with _progress() as bars:
            case = desk.proceed(case, bars.applied(case.rows))
    _tell(case, json=json)


@app.command("list")
def list_(
    ctx: typer.Context,
    account: Annotated[str, typer.Argument(metavar="[ACCOUNT]")] = "",
    *,
    held: Annotated[bool, typer.Option("--held", help="Those that wait for an operator only.")] = False,
    json: Json = False,
) -> None:
    """List the latest imports, of one account or of all."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_names, account_of  # noqa: PLC0415 - heavy
    from gateway.imports.case import CaseState  # noqa: PLC0415 - heavy
    from gateway.store.imports import Imports  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        owner = account_of(house, account).id if account else None
        cases = Imports(house.store, house.keyring).list(owner, [CaseState.HELD] if held else ())
        names = account_names(house)
    if json:
        say.as_json([{"account": names.get(one.account_id), **as_values(one)} for one in cases])
        return
    headings = ("import", "account", "opened", "state", "rows>", "faults>", "score>")
    say.table(
        headings,
        (
            (
                one.id,
                names.get(one.account_id, str(one.account_id)),
                say.when(one.opened_at),
                str(one.state),
                f"{one.rows:,}",
                f"{one.faults:,}",
                f"{one.report.score:g}" if one.report else "",
            )
            for one in cases
        ),
    )


@app.command()
def show(
    ctx: typer.Context,
    import_id: Id,
    *,
    faults: Annotated[bool, typer.Option("--faults", help="All lines that were not taken, and why.")] = False,
    json: Json = False,
) -> None:
    """Show an import: its report, what was decided and by whom, and the lines that were not taken."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_names  # noqa: PLC0415 - heavy
    from gateway.store.imports import Imports  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        cases = Imports(house.store, house.keyring)
        case = cases.show(import_id)
        names = account_names(house)
        lists = {one.id: one.list_id for account in house.registry.accounts() for one in account.lists}
        named = list(_all_faults(cases, case) if faults else cases.faults(case, limit=_FAULTS))
    if json:
        values = {
            "account": names.get(case.account_id),
            "list_id": lists.get(case.list_id),
            **as_values(case),
        }
        say.as_json({**values, "lines": [{"line": line, "reason": reason} for line, reason in named]})
        return
    _show(case, names, lists)
    for line, reason in named:
        say.line(f"line {line}: {reason}")
    if not faults and case.faults + case.left_out > len(named):
        say.aside(f"and {case.faults + case.left_out - len(named):,} more: --faults")


@app.command()
def approve(
    ctx: typer.Context,
    import_id: Id,
    *,
    reason: Reason,
    ask: Annotated[bool, typer.Option("--ask", help="By a double opt-in of each address.")] = False,
    json: Json = False,
) -> None:
    """Let an import that is held count."""
    from gateway.model.import_rules import Decision  # noqa: PLC0415 - heavy

    _decide(ctx, import_id, Decision.ASK if ask else Decision.ACCEPT, reason, json=json)


@app.command()
def reject(ctx: typer.Context, import_id: Id, *, reason: Reason, json: Json = False) -> None:
    """Refuse an import that does not count yet, and delete its rows."""
    from gateway.model.import_rules import Decision  # noqa: PLC0415 - heavy

    _decide(ctx, import_id, Decision.REFUSE, reason, json=json)


def _decide(ctx: typer.Context, import_id: str, decision: Any, reason: str, *, json: bool) -> None:
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import actor  # noqa: PLC0415 - heavy

    with opened(ctx) as house, _refusing(), _desk(ctx, house) as desk:
        case = desk.cases.show(import_id)
        case = desk.cases.decide(case, decision, f"operator {actor()}", reason, CLOCK.now())
        with _progress() as bars:
            case = desk.proceed(case, bars.applied(case.rows))
    _tell(case, json=json)


def as_values(case: "Case") -> dict[str, Any]:
    """Return an import as programs read it."""
    import msgspec  # noqa: PLC0415 - heavy

    return {
        "import": case.id,
        "state": str(case.state),
        "basis": str(case.basis),
        "source": case.details.source,
        "file": case.details.file,
        "opened_at": say.iso(case.opened_at),
        "opened_by": case.details.opened_by,
        "decided_at": say.iso(case.decided_at),
        "decided_by": case.details.decided_by or None,
        "reason": case.details.reason or None,
        **{
            name: getattr(case, name)
            for name in ("line", "rows", "faults", "asked", "added", "changed", "unchanged", "left_out")
        },
        "report": msgspec.to_builtins(case.report),
    }


def _show(case: "Case", names: dict[int, str], lists: dict[int, str]) -> None:
    decided = f"{case.details.decided_by}: {case.details.reason}" if case.details.decided_by else "not yet"
    say.pairs(
        {
            "import": case.id,
            "account": names.get(case.account_id, str(case.account_id)),
            "list": lists.get(case.list_id, str(case.list_id)),
            "state": f"{case.state} since {say.when(case.touched_at)}",
            "basis": str(case.basis),
            "source": case.details.source,
            "file": f"{case.details.file}, brought by {case.details.opened_by} at {say.when(case.opened_at)}",
            "rows": f"{case.rows:,}; lines that are none: {case.faults:,}",
            "decided": decided,
            "came of it": _outcome(case),
        }
    )
    if case.report is None:
        return
    say.line(f"\nscore {case.report.score:g}{'' if case.report.findings else ': nothing was found'}")
    if case.report.findings:
        say.table(
            ("points>", "finding", ""), ((f"{f.points:g}", f.name, f.words) for f in case.report.findings)
        )
    if case.report.overlaps:
        say.line("\nwhose lists these people are on")
        say.table(
            ("share>", "between", "account", "list"),
            (
                (
                    f"{one.share:.1%}",
                    f"{one.bounds[0]:.0%} and {one.bounds[1]:.0%}",
                    names.get(one.account_id, str(one.account_id)),
                    lists.get(one.list_id, str(one.list_id)),
                )
                for one in case.report.overlaps
            ),
        )


def _tell(case: "Case", *, json: bool) -> None:
    from gateway.imports.case import CaseState  # noqa: PLC0415 - heavy

    if json:
        say.as_json(as_values(case))
    else:
        said = {
            CaseState.HELD: f'held: look at it with "import show {case.id}", then "approve" or "reject"',
            CaseState.PENDING: f"{case.rows:,} people will be asked, by the web process",
            CaseState.REFUSED: f"refused: {case.details.reason}",
        }
        score = f", score {case.report.score:g}" if case.report else ""
        say.line(f"import {case.id}{score}: {said.get(case.state, _outcome(case))}")
        if case.faults or case.left_out:
            say.aside(f'lines that were not taken: {case.faults + case.left_out:,}; "import show {case.id}"')
    if case.state is CaseState.REFUSED:
        raise typer.Exit(1)


def _outcome(case: "Case") -> str:
    said = [
        f"{count:,} {name}"
        for name, count in (
            ("added", case.added),
            ("asked", case.asked),
            ("changed", case.changed),
            ("on it already", case.unchanged),
            ("left out", case.left_out),
        )
        if count
    ]
    return ", ".join(said) or "nothing yet"


def _all_faults(cases: Any, case: "Case") -> Iterator[tuple[int, str]]:
    after = 0
    while some := cases.faults(case, after):
        yield from some
        after = some[-1][0]


def _check_delimiter(delimiter: str) -> None:
    if len(delimiter) > 1:
        raise typer.BadParameter("one character", param_hint="--delimiter")


def _check_source(source: str) -> None:
    """Consent without evidence proves nothing."""
    if not source.strip() or "\0" in source:
        raise typer.BadParameter("say where and when they said yes", param_hint="--source")


@contextmanager
def _desk(ctx: typer.Context, house: "Opened") -> Iterator["ImportDesk"]:
    from gateway.app.importing import ImportDesk  # noqa: PLC0415 - heavy
    from gateway.cli.configured import config_file, read  # noqa: PLC0415 - heavy
    from gateway.cli.opened import CLOCK  # noqa: PLC0415 - heavy

    configuration = read(config_file(ctx))
    yield ImportDesk(house.store, house.keyring, lambda: configuration, CLOCK)


@contextmanager
def _refusing() -> Iterator[None]:
    """Refuse files that cannot be read, the tenant's and the operator's of traps."""
    from gateway.imports.known import BadTraps  # noqa: PLC0415 - heavy
    from gateway.imports.reading import UnreadableFile  # noqa: PLC0415 - heavy

    try:
        yield
    except (UnreadableFile, BadTraps, OSError) as error:
        raise say.Refused(str(error)) from error


@contextmanager
def _progress() -> Iterator[Any]:
    from gateway.cli.import_progress import Bars  # noqa: PLC0415 - heavy

    with Bars() as bars:
        yield bars
