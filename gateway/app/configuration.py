"""A config in force: settings, shelf and links, read from the files in one piece and swapped in one piece.

It is the one place that knows both the settings and the first-party shelf, and what a running program
cannot change: those keys are named with the request to restart.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import policies
import policies.footer
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.pipeline.links import Links
from gateway.pipeline.shelf import Shelf
from gateway.settings.load import Loaded, load
from gateway.settings.policy_tables import BadPolicies, Build, build_policies
from gateway.settings.problem import BadConfig, ConfigProblem, Finding
from gateway.settings.schema import Settings
from gateway.store.tokens import TokenKeys, load_token_keys

_ENTRY_POINTS = "consentry.policies"
_FIXED = (
    "gateway.state_dir",
    "gateway.workers",
    "gateway.drain",
    "submission.listener",
    "submission.login_cache",
    "secrets.master_key",
    "web.listen",
    "metrics.listen",
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
    describe_rewrite: Callable[[Message], str]

    @property
    def settings(self) -> Settings:
        """What gateway.toml says."""
        return self.loaded.settings

    @property
    def hostname(self) -> str:
        """Our own name, for greetings, Received and DSNs."""
        return self.settings.gateway.hostname

    @property
    def links(self) -> Links:
        """What makes the links of a copy."""
        mailbox = self.settings.web.unsubscribe_mailbox or f"unsubscribe@{self.hostname}"
        key_id = self.tokens.current_id
        return Links(self.settings.web.public_url, mailbox, key_id, self.tokens.keys[key_id])

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
    return build_policies(builders(), tables)


def read(path: Path) -> Configuration:
    """Read both files and the token keys; raise BadConfig with everything that is wrong."""
    loaded = load(path, check_policies)
    try:
        tokens = load_token_keys(loaded.settings.secrets.token_keys)
    except (OSError, ValueError) as error:
        problem = ConfigProblem(loaded.config_file, 0, "secrets.token_keys", str(error))
        raise BadConfig([problem]) from error
    describe_rewrite = policies.footer.explainer(loaded.policy.get("footer", {}))
    return Configuration(loaded, Shelf.of(loaded.policies), tokens, describe_rewrite)


def what_needs_restart(old: Settings, new: Settings) -> list[str]:
    """Name the keys that differ and that a running program cannot change."""
    changed = [key for key in _FIXED if _get(old, key) != _get(new, key)]
    return [f"{key} changed: that needs a restart" for key in changed]


def _get(settings: Settings, key: str) -> object:
    value: object = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value
