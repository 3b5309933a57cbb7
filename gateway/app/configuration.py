"""A config in force: settings, shelf, keys and links, read from the files in one piece, swapped in one piece.

It is the one place that knows both the settings and the first-party shelf, and what a running program
cannot change: those keys are named with the request to restart.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path

import policies
import policies.footer
from gateway.model.addition import AdditionRules
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.way_out import Rewriting
from gateway.pipeline.links import Links
from gateway.pipeline.shelf import Shelf
from gateway.settings.files import LARGEST_TOGETHER, Disk, Files
from gateway.settings.load import Loaded, load
from gateway.settings.policy_tables import BadPolicies, Build, build_policies
from gateway.settings.problem import BadConfig, ConfigProblem, Finding
from gateway.settings.schema import Settings
from gateway.smtp.tls import TlsUnusable, server_context
from gateway.store.keys import load_master_key
from gateway.store.tokens import TokenKeys, load_token_keys

_ENTRY_POINTS = "consentry.policies"
_FIXED = (
    "gateway.state_dir",
    "gateway.workers",
    "gateway.drain",
    "submission.listener",
    "submission.login_cache",
    "inbound.listener",
    "secrets.master_key",
    "web.listen",
    "webhooks.concurrency",
    "metrics.listen",
    "addresses.rules",
    "store.url",
    "store.timeout",
    "spool",
    "signing.provider_domain",
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that a reload swaps."""

    loaded: Loaded
    shelf: Shelf
    tokens: TokenKeys
    links: Links  # what makes the links of a copy
    describe_rewrite: Callable[[Message, str], Rewriting]
    additions: AdditionRules  # what single additions by the API are held to
    tls: ssl.SSLContext | None
    master_key: bytes = field(repr=False)
    files: Files  # what all of it was read from

    @property
    def settings(self) -> Settings:
        """What gateway.toml says."""
        return self.loaded.settings

    @property
    def hostname(self) -> str:
        """Our own name, for greetings, Received and DSNs."""
        return self.settings.gateway.hostname

    @property
    def metrics_folder(self) -> Path:
        """Where the processes keep their counts."""
        return self.settings.gateway.state_dir / "metrics"


def builders() -> Mapping[str, Build]:
    """Return every policy's ``build``: ours in the shelf's order, then third-party ones by name.

    Raise BadPolicies where two have one name: nobody takes the place of another in silence.
    """
    found = dict(policies.SHELF)
    for point in sorted(entry_points(group=_ENTRY_POINTS), key=lambda point: point.name):
        if point.name in found:
            raise BadPolicies([Finding((point.name,), f"{point.value} has the name of another policy")])
        found[point.name] = point.load()
    return found


def check_policies(tables: Mapping[str, Mapping[str, object]]) -> tuple[Policy, ...]:
    """Build the shelf from policy.toml's tables; what ``gateway.settings.load`` is given."""
    built = build_policies(builders(), tables)
    if at_odds := policies.at_odds(tables):
        raise BadPolicies([Finding(path, reason) for path, reason in at_odds])
    return built


def read(path: Path, files: Files | None = None) -> Configuration:
    """Read all files of a config, from the disk or from ``files``; raise BadConfig with all that is wrong."""
    files = files or Disk()
    loaded = load(path, check_policies, files)
    secrets = loaded.settings.secrets
    with _blamed_on(loaded, "secrets.token_keys"):
        tokens = load_token_keys(secrets.token_keys, files.secret)
    with _blamed_on(loaded, "secrets.master_key"):
        master_key = load_master_key(secrets.master_key, files.secret)
    with _blamed_on(loaded, "tls.certificate"):
        tls = server_context(loaded.settings.tls, files.read)
    with _blamed_on(loaded, ""):
        if sum(map(len, files.found.values())) > LARGEST_TOGETHER:
            raise ValueError(f"its files are larger than {LARGEST_TOGETHER} octets together")
    describe_rewrite = policies.footer.explainer(loaded.policy.get("footer", {}))
    additions = policies.additions.rules(loaded.policy.get("additions", {}))
    links = _links(loaded.settings, tokens)
    shelf = Shelf.of(loaded.policies)
    return Configuration(loaded, shelf, tokens, links, describe_rewrite, additions, tls, master_key, files)


def _links(settings: Settings, tokens: TokenKeys) -> Links:
    key_id = tokens.current_id
    return Links(settings.web.public_url, settings.unsubscribe_mailbox, key_id, tokens.keys[key_id])


@contextmanager
def _blamed_on(loaded: Loaded, key: str) -> Iterator[None]:
    """Make a problem of the config out of what goes wrong within."""
    try:
        yield
    except (OSError, ValueError, TlsUnusable) as error:
        raise BadConfig([ConfigProblem(loaded.config_file, 0, key, str(error))]) from error


def what_needs_restart(old: Settings, new: Settings) -> list[str]:
    """Name the keys that differ and that a running program cannot change."""
    changed = [key for key in _FIXED if _get(old, key) != _get(new, key)]
    return [f"{key} changed: that needs a restart" for key in changed]


def _get(settings: Settings, key: str) -> object:
    value: object = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value
