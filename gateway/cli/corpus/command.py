"""``consentry corpus DIR``: every .eml of a folder through the rewriting policies, and what others see.

Each message is rewritten for a recipient who does not exist; then npm's postal-mime reads it before and
after, and what differs is held against what may. Nothing is sent or kept, nothing leaves the machine. Line
ends are made CRLF, as the SMTP side does. Exit code 1 where a promise was broken:

    octets      what is no shown text decodes to the same octets, attachments and nested messages included
    text        a text is the old text with something added that shows the link, or placeholders filled
    header      fields keep their order and octets, apart from those that we put in or take out by name
    tree        the parts are the same, apart from a wrapping that the outcome announces
    once        rewritten again, the body stays as it is
    survival    no exception, no crash, within time and memory
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import say
from gateway.cli.configured import read

if TYPE_CHECKING:
    from gateway.cli.corpus.reader import Reader
    from gateway.cli.corpus.rewriting import Rewriter

_LARGEST = 64 * 1024 * 1024  # octets of a message


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one message."""

    file: str
    octets: int
    outcome: str
    changes: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    milliseconds: float = 0.0


def corpus(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="A folder with .eml files, folders in it included.", metavar="DIR")
    ],
    json: Annotated[bool, typer.Option("--json", help="One JSON document for programs.")] = False,
    node_modules: Annotated[
        Path | None,
        typer.Option(help="Where npm put postal-mime.", envvar="CONSENTRY_NODE_MODULES", metavar="DIR"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only what is wrong, and the summary.")] = False,
) -> None:
    """Rewrite every message of a folder and have another parser check what changed."""
    if not folder.is_dir():
        raise say.Refused(f"{folder} is no folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".eml" and path.is_file())
    if not paths:
        raise say.Refused(f"{folder} holds no .eml file")
    verdicts: list[Verdict] = []
    for verdict in verdicts_of(paths, folder, _tables(ctx.obj), node_modules):
        verdicts.append(verdict)
        if not json and (verdict.violations or not quiet):
            _say(verdict)
    if json:
        say.as_json({"messages": [asdict(one) for one in verdicts], "summary": _summary(verdicts)})
    else:
        _say_summary(verdicts)
    if any(one.violations for one in verdicts):
        raise typer.Exit(1)


def _tables(config: Path | None) -> Mapping[str, Mapping[str, object]]:
    """Return the tables of the policy.toml that the config names, or none: the defaults."""
    if config is None:
        return {}
    return read(config).loaded.policy


def verdicts_of(
    paths: list[Path], folder: Path, tables: Mapping[str, Mapping[str, object]], node_modules: Path | None
) -> Iterator[Verdict]:
    """Yield what is said of each message, in order."""
    from gateway.cli.corpus.reader import Reader  # noqa: PLC0415 - heavy
    from gateway.cli.corpus.rewriting import Rewriter  # noqa: PLC0415 - heavy

    with Reader(node_modules) as reader, Rewriter(tables) as rewriter:
        for path in paths:
            name = str(path.relative_to(folder)).encode("utf-8", "backslashreplace").decode()
            yield _verdict(path, name, reader, rewriter)


def _verdict(path: Path, name: str, reader: "Reader", rewriter: "Rewriter") -> Verdict:
    from gateway.cli.corpus.comparing import Copy, compare  # noqa: PLC0415 - heavy
    from gateway.cli.corpus.reader import ReaderFailed  # noqa: PLC0415 - heavy
    from gateway.cli.corpus.rewriting import LINK  # noqa: PLC0415 - heavy

    try:
        octets = path.stat().st_size
        if octets > _LARGEST:
            return Verdict(name, octets, "skipped", notes=(f"larger than {say.size(_LARGEST)}",))
        raw = as_smtp_has_it(path.read_bytes())
    except OSError as error:
        return Verdict(name, 0, "skipped", notes=(f"cannot be read: {error.strerror}",))
    result = rewriter.rewrite(raw)
    if result.failure:
        return Verdict(name, len(raw), "failed", violations=(result.failure,))
    wrong = ("rewritten once more, its body changes again",) if result.grows else ()
    notes = (f"would be refused: {result.refused}",) if result.refused else ()
    spent = round(result.milliseconds, 3)
    try:
        old, new = reader.read(raw), reader.read(result.after)
    except ReaderFailed as failed:
        said = (*notes, f"the other parser gave up: {failed}")
        return Verdict(name, len(raw), result.outcome, (), wrong, said, spent)
    found = compare(Copy(raw, old), Copy(result.after, new), result.outcome, LINK)
    return Verdict(name, len(raw), result.outcome, found.changes, (*found.violations, *wrong), notes, spent)


def as_smtp_has_it(octets: bytes) -> bytes:
    """Return a file's octets as the SMTP side hands them on: a bare LF is CRLF, a bare CR a blank."""
    from gateway.smtp.content import repair_newlines  # noqa: PLC0415 - heavy

    return repair_newlines(octets)


def _say(verdict: Verdict) -> None:
    mark = typer.style("WRONG", fg="red", bold=True) if verdict.violations else "ok   "
    say.line(f"{mark}  {verdict.file}  {verdict.outcome}  {verdict.milliseconds:.2f} ms")
    for sentence in verdict.violations:
        say.line(f"         ! {sentence}")
    for sentence in (*verdict.changes, *verdict.notes):
        say.line(f"         {sentence}")


def _summary(verdicts: list[Verdict]) -> dict[str, object]:
    outcomes = Counter(one.outcome for one in verdicts)
    return {
        "messages": len(verdicts),
        "violations": sum(bool(one.violations) for one in verdicts),
        "outcomes": dict(outcomes.most_common()),
        "milliseconds": round(sum(one.milliseconds for one in verdicts), 3),
    }


def _say_summary(verdicts: list[Verdict]) -> None:
    summary = _summary(verdicts)
    say.line()
    rows = Counter(one.outcome for one in verdicts).most_common()
    say.table(["OUTCOME", "MESSAGES>"], [(outcome, str(count)) for outcome, count in rows])
    say.line()
    say.line(f"{summary['messages']} messages, {summary['violations']} with a broken promise")
