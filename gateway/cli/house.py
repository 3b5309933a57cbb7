"""Setting up a gateway's folder: config files, secrets, certificate, store.

What it promises: nothing is changed in a folder that holds any of the files already; else all of them appear,
or none: everything is made in a hidden folder within and linked into its place at the end, gateway.toml last,
so that what failed half way can be repeated. It passes ``consentry check``. Secrets are born with mode 0600
in folders with mode 0700, never opened up for a moment. It fails with ``Refused``.
"""

import datetime as dt
import os
import secrets
import socket
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from gateway.cli.certificate import self_signed
from gateway.cli.config_text import Value, fill
from gateway.cli.configured import read
from gateway.cli.say import Refused
from gateway.model.reply import PublicError
from gateway.settings.consistency import contradictions, is_loopback
from gateway.settings.problem import dotted
from gateway.settings.reasons import findings
from gateway.settings.schema import Settings
from gateway.settings.shipped import shipped
from gateway.settings.units import Endpoint
from gateway.store.database import open_store

_FILES = (
    *("secrets/master.key", "secrets/token.keys"),
    *("tls/key.pem", "tls/certificate.pem", "policy.toml", "gateway.toml"),
)
_ANY = {"0.0.0.0", "::", "*"}  # noqa: S104 - compared with, not bound


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``consentry init`` was asked for."""

    folder: Path
    hostname: str
    smtp: Endpoint
    inbound: Endpoint
    web: Endpoint
    metrics: Endpoint
    smarthost: Endpoint | None
    public_url: str

    @property
    def config(self) -> Path:
        """The file that every other command takes as --config."""
        return self.folder / "gateway.toml"


def own_name() -> str:
    """Return this machine's name where it is one that others could know, else localhost."""
    name = socket.gethostname().rstrip(".").lower()
    return name if "." in name and not name.endswith((".local", ".localdomain", ".internal")) else "localhost"


def default_url(web: Endpoint, hostname: str) -> str:
    """Return what links begin with: the web process itself on loopback, else https at our name."""
    return f"http://{web}" if is_loopback(web.host) else f"https://{hostname}"


def build(plan: Plan, now: dt.datetime) -> None:
    """Write all files and make the store; raise Refused."""
    with _in_one_piece(plan) as fresh:
        _write_all(fresh, now)
        _make_store(fresh)


def set_up(plan: Plan, now: dt.datetime) -> None:
    """Write all files; raise Refused where any of them is there, or cannot be written."""
    with _in_one_piece(plan) as fresh:
        _write_all(fresh, now)


@contextmanager
def _in_one_piece(plan: Plan) -> Iterator[Plan]:
    """Give the plan of a hidden folder; what was made there is in its place when all went well."""
    _check(plan)
    there = [name for name in _FILES if (plan.folder / name).exists()]
    if there:
        raise Refused(f"{plan.folder} is initialised already: it has {', '.join(there)}; nothing was changed")
    made: list[Path] = []
    try:
        _make_folder(plan.folder, 0o777, made)
        with TemporaryDirectory(prefix=".consentry-init-", dir=plan.folder) as hidden:
            fresh = replace(plan, folder=Path(hidden))
            yield fresh
            _link_all(fresh.folder, plan.folder, made)
    except BaseException as error:
        for path in reversed(made):
            with suppress(OSError):  # somebody else has put something there
                path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise Refused(f"cannot write {error.filename2 or error.filename}: {error.strerror}") from error
        raise


def _link_all(fresh: Path, folder: Path, made: list[Path]) -> None:
    """Give everything its name in the folder; one that is taken by now is an error, never overwritten."""
    files = sorted(path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file())
    files.sort(key=lambda name: name == Path("gateway.toml"))
    _make_folder(folder / "state", 0o700, made)
    for name in files:
        _make_folder((folder / name).parent, 0o700, made)
        os.link(fresh / name, folder / name)
        made.append(folder / name)


def _make_folder(folder: Path, mode: int, made: list[Path]) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=mode, parents=True)
        made.append(folder)


def _write_all(plan: Plan, now: dt.datetime) -> None:
    for name, (content, mode) in _contents(plan, now):
        _write(plan.folder / name, content, mode)


def _make_store(plan: Plan) -> None:
    settings = read(plan.config).settings
    settings.gateway.state_dir.mkdir(mode=0o700)
    store = open_store(settings)
    try:
        store.upgrade()
    except PublicError as error:
        raise Refused(f"the store cannot be made: {error}") from error
    finally:
        store.close()


def _check(plan: Plan) -> None:
    """Refuse values that ``consentry check`` would refuse, before anything is written."""
    data = tomllib.loads(config_text(plan))
    try:
        wrong = list(contradictions(Settings.model_validate(data)))
    except ValidationError as error:
        wrong = list(findings(error, Settings, data))
    if wrong:
        raise Refused("; ".join(f"{dotted(finding.path)}: {finding.reason}" for finding in wrong))


def _contents(plan: Plan, now: dt.datetime) -> Iterator[tuple[str, tuple[bytes, int]]]:
    """Yield the files of ``_FILES``."""
    certificate, key = self_signed(_names(plan), now)
    yield "secrets/master.key", (secrets.token_hex(32).encode() + b"\n", 0o600)
    yield "secrets/token.keys", (b"1 " + secrets.token_hex(32).encode() + b"\n", 0o600)
    yield "tls/key.pem", (key, 0o600)
    yield "tls/certificate.pem", (certificate, 0o644)
    yield "policy.toml", (shipped("policy.toml").read_bytes(), 0o644)
    yield "gateway.toml", (config_text(plan).encode(), 0o644)


def config_text(plan: Plan) -> str:
    """Return gateway.toml with every comment of the shipped one, and the plan's values in it."""
    text = shipped("gateway.toml").read_text(encoding="utf-8")
    text = fill(text, "[gateway]", {"hostname": plan.hostname})
    text = fill(
        text,
        "[[submission.listener]]",
        {
            "listen": str(plan.smtp),
            "tls": "starttls",
            # Between programs of one machine there is nobody to listen in.
            "auth_without_tls": is_loopback(plan.smtp.host),
        },
    )
    text = fill(text, "[[inbound.listener]]", {"listen": str(plan.inbound), "tls": "starttls"})
    text = fill(text, "[tls]", {"certificate": "tls/certificate.pem", "key": "tls/key.pem"})
    text = fill(text, "[web]", {"listen": str(plan.web), "public_url": plan.public_url})
    text = fill(text, "[metrics]", {"listen": str(plan.metrics)})
    if plan.smarthost is not None:
        where: dict[str, Value] = {"host": plan.smarthost.host, "port": plan.smarthost.port}
        text = fill(text, "[[relay.smarthost]]", where)
    return text


def _names(plan: Plan) -> Iterator[str]:
    yield plan.hostname
    if plan.smtp.host not in _ANY:
        yield plan.smtp.host
    if is_loopback(plan.smtp.host) or plan.smtp.host in _ANY:
        yield from ("localhost", "127.0.0.1", "::1")


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
