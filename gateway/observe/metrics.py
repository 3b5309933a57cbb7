"""Every metric of the house: the catalogue, and what the other layers count with.

A new metric is one line in ``CATALOGUE``. Its name is what the code calls it by and, with ``consentry_``
before it, what Prometheus sees. Names follow Prometheus' rules and, where they allow, KumoMTA's words
(docs/decisions/0008-metric-names.md).

What it promises: a call costs about a microsecond and never raises in production: a name or a label that the
catalogue does not know is logged once and counts nothing. The number of series is bounded, whatever comes
in as a label's value. No label ever holds an address or an account.
How it fails: a full disk at the start leaves the process without exposed metrics, and says so; pages of the
files are reserved beforehand, because a write to a mapped page that the disk cannot hold kills a process.
"""

import os
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.multiprocess import mark_process_dead

from gateway.observe.mapped import MappedFiles

PREFIX = "consentry_"
SERIES_LIMIT = 100  # of one metric, in one process; what comes after is counted as OTHER
OTHER = "other"
_LABEL_LENGTH = 60
_RESERVED = 1 << 20  # octets of each file: room for the catalogue at its limit


class Kind(StrEnum):
    """What can be done with a metric: count, gauge or observe."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the catalogue."""

    kind: Kind
    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


# Upper bounds. A save is a few fsyncs; a delivery lives from a blink to the five days of max_age.
_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_LIFE = (0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 43200.0, 172800.0)
_BATCH = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(Kind.COUNTER, name, text, labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(Kind.GAUGE, name, text, labels)


def _histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(Kind.HISTOGRAM, name, text, labels, buckets)


CATALOGUE: tuple[Metric, ...] = (
    # Submission
    _counter("connections_total", "Connections taken.", "listener"),
    _gauge("connection_count", "Connections open now.", "service"),
    _counter("connections_denied_total", "Connections refused before the greeting.", "reason"),
    _counter("smtp_server_rejections_total", "Commands refused by the session.", "command", "reason"),
    _counter("auth_total", "AUTH exchanges.", "result"),
    _counter("tls_handshake_failures_total", "TLS handshakes that failed.", "service"),
    _counter("proxy_errors_total", "PROXY protocol headers that were malformed or not allowed."),
    # Strangers' mail
    _counter("inbound_messages_total", "Letters to our mailboxes.", "mailbox", "result"),
    _counter("inbound_answers_total", "Answers to those who left by mail: sent, or why not.", "result"),
    # Pipeline
    _counter("contents_denied_total", "Contents that found no room in memory.", "step"),
    _counter("messages_received_total", "Messages accepted: answered 250 and durable."),
    _counter("policy_refusals_total", "Refusals, by the policy that gave them.", "policy", "reason"),
    _counter(
        "content_modified_total",
        "Messages rewritten: footer added (also below, and why), sender provides, or headers only and why.",
        "result",
    ),
    _counter(
        "tampering_total",
        "Messages accepted whose own way out is hidden or broken, and the rule that says so.",
        "verdict",
        "rule",
    ),
    _counter("delayed_due_to_message_rate_throttle_total", "Messages that the quota held back."),
    # Spool
    _histogram("message_save_latency_seconds", "From end of data to the commit.", buckets=_LATENCY),
    _histogram("spool_commit_size", "Operations in one commit.", buckets=_BATCH),
    _counter("spool_unreadable_total", "Deliveries and contents that could not be opened.", "reason"),
    _counter("spool_events_dropped_total", "Events of refused mail that found no room."),
    _gauge("scheduled_count", "Deliveries in the spool.", "state"),
    _gauge("outbox_lag", "Events that wait to be shipped to the store."),
    _counter("events_shipped_total", "Events that the store has taken."),
    # Erasing
    _counter("erasures_total", "Erasures of accounts and people: done, or delayed.", "kind", "result"),
    _gauge("erasures_open", "Erasures that have begun and are not done."),
    # Relay
    _gauge("ready_count", "Deliveries in memory, ready to be sent."),
    _counter("messages_delivered_total", "Deliveries that the next hop took."),
    _counter("outcomes_lost_total", "Outcomes whose delivery had moved, or that failed.", "reason"),
    _counter("messages_transfail_total", "Attempts that failed for now."),
    _counter("messages_fail_total", "Deliveries that failed for good.", "bounce_class"),
    _counter("messages_expired_total", "Deliveries given up at max_age."),
    _histogram("delivery_seconds", "From reception to the next hop's 250.", buckets=_LIFE),
    _counter("dkim_signer_sign_total", "DKIM signatures.", "algorithm", "result"),
    # Web
    _counter("web_connections_denied_total", "HTTP turned away: source, full, requests, idle.", "reason"),
    _counter("web_requests_total", "HTTP requests answered.", "page", "code"),
    _counter("unsubscribes_total", "Subscriptions that were left.", "via"),
    _counter("abuse_reports_total", "Reports of spam made on the pages."),
    _counter("pauses_total", "Pauses of a list, by their length.", "days"),
    _counter("undone_total", "What readers took back, by what it was.", "step"),
    _counter(
        "signups_total",
        "Forms that came in: calm, worked, waited; or step, early, limited, malformed.",
        "result",
    ),
    _counter(
        "recommendations_total", "Forms of recommending: taken, limited, malformed; never-again.", "result"
    ),
    _counter("invitations_total", "What became of recommendations.", "result"),
    _counter("signup_wishes_total", "What became of wishes to be on a list.", "fate"),
    _counter(
        "signup_answers_total", "Sign-ups that ended: confirmed, refused, cancelled, expired.", "answer"
    ),
    _counter("bad_links_total", "Links with a token that nobody made.", "result"),
    _counter("letters_total", "Letters of our own: written, limited, sent, or failed.", "kind", "result"),
    _counter("letters_undelivered_total", "Letters for the operator that nobody took, held in the queue."),
    _counter("api_requests_total", "Requests to the API answered.", "route", "code"),
    _counter("api_additions_total", "What became of additions of subscribers by the API.", "result"),
    _counter("addition_signs_total", "What additions by the API looked like, when that was told.", "sign"),
    _counter(
        "api_repetitions_total", "Idempotency keys seen again: again, running, reused, erased.", "result"
    ),
    _counter("api_keys_total", "API keys looked at: ok, failed, blocked, limited, scope.", "result"),
    # Imports
    _counter("imports_total", "Imports that the web process has brought to their end.", "state"),
    _gauge("imports_held", "Imports that wait for an operator."),
    # Webhooks
    _counter("link_hosts_total", "Hosts of senders' links: answers, silent, unknown, forgotten.", "result"),
    _counter("webhook_deliveries_total", "Attempts to tell a webhook something.", "result"),
    _histogram("webhook_delay_seconds", "From what happened to the receiver's 2xx.", buckets=_LIFE),
    _counter("webhooks_disabled_total", "Webhooks given up: too long a failure, or 410 Gone."),
    _gauge("webhooks", "Webhooks that are told: well or failing.", "state"),
    _gauge("webhook_lag_seconds", "How long ago that happened which the slowest webhook is to be told next."),
    # The house
    _counter("reloads_total", "Reloads of the config.", "result"),
    _counter("worker_restarts_total", "Processes that ended unasked and were started again."),
    _counter("log_lines_lost_total", "Log lines that could not be written."),
)

KNOWN: dict[str, Metric] = {metric.name: metric for metric in CATALOGUE}

Misuse = Callable[[str], None]
"""What is told of a name or label that the catalogue does not know."""

_log = structlog.get_logger(__name__)
_told: set[str] = set()


def log_misuse(what: str) -> None:
    """Log it, once for each process: the answer in production."""
    if what not in _told and len(_told) < SERIES_LIMIT:
        _told.add(what)
        _log.error("metric misused", what=what)


def describe_misuse(kind: Kind, name: str, labels: dict[str, str]) -> str | None:
    """Return what is wrong with a call, or None when the catalogue knows it."""
    metric = KNOWN.get(name)
    if metric is None:
        return f"no metric {name!r} in the catalogue"
    if metric.kind is not kind:
        return f"{name} is a {metric.kind}, not a {kind}"
    if labels.keys() != set(metric.labels):
        return f"{name} has the labels {sorted(metric.labels)}, not {sorted(labels)}"
    return None


_Key = tuple[object, ...]
_Take = Callable[[float], None]
_Values = MappedFiles | type[values.MutexValue]


class PrometheusMeter:
    """The Meter of one process, in files below ``folder`` that ``Exposition`` adds up.

    Build it in the process that uses it, after a fork: the files bear the process's id.
    """

    def __init__(self, folder: Path, misuse: Misuse = log_misuse) -> None:
        self._misuse = misuse
        self._values = _choose_values(folder)
        self._series: dict[str, set[tuple[str, ...]]] = {metric.name: set() for metric in CATALOGUE}
        self._takes: dict[Kind, dict[_Key, _Take]] = {kind: {} for kind in Kind}
        # One look-up for a call: no kind in the key, because hashing an enum runs Python code.
        self._counters = self._takes[Kind.COUNTER]
        self._gauges = self._takes[Kind.GAUGE]
        self._histograms = self._takes[Kind.HISTOGRAM]
        registry = CollectorRegistry()  # unused by us: keeps the names out of the library's global one
        self._metrics = {metric.name: _build(metric, registry) for metric in CATALOGUE}

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter; an amount below zero is misuse."""
        take = self._counters.get((name, *labels.items()))
        if take is None:
            take = self._find(Kind.COUNTER, name, labels)
        if amount < 0:
            self._misuse(f"{name} went backwards")
            return
        take(amount)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Put a value (seconds, octets) into a histogram."""
        take = self._histograms.get((name, *labels.items()))
        if take is None:
            take = self._find(Kind.HISTOGRAM, name, labels)
        take(value)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set this process's share of a gauge."""
        take = self._gauges.get((name, *labels.items()))
        if take is None:
            take = self._find(Kind.GAUGE, name, labels)
        take(value)

    def close(self) -> None:
        """Close this process's files; what was counted stays in them."""
        if isinstance(self._values, MappedFiles):
            self._values.close_all_files()

    def _find(self, kind: Kind, name: str, labels: dict[str, str]) -> _Take:
        """Return what takes the values of one series, and remember it for the next call."""
        wrong = describe_misuse(kind, name, labels)
        if wrong is not None:
            self._misuse(wrong)
            return _drop
        metric = KNOWN[name]
        series = tuple(str(labels[label])[:_LABEL_LENGTH] for label in metric.labels)
        known = self._series[name]
        if series not in known and len(known) >= SERIES_LIMIT:
            # Not remembered: the values that come in here may be without end.
            return self._take(metric, (OTHER,) * len(series))
        known.add(series)
        take = self._take(metric, series)
        self._takes[kind][name, *labels.items()] = take
        return take

    def _take(self, metric: Metric, series: tuple[str, ...]) -> _Take:
        whole = self._metrics[metric.name]
        child = whole.labels(*series) if series else whole
        # Past the library's own checks, which are made here already: half of the time of a call.
        if isinstance(child, Counter):
            return child._value.inc  # type: ignore[no-any-return]  # noqa: SLF001 - see above
        if isinstance(child, Gauge):
            return child._value.set  # type: ignore[no-any-return]  # noqa: SLF001 - see above
        return _into_buckets(metric.buckets, child)


def _into_buckets(bounds: tuple[float, ...], child: Histogram) -> _Take:
    """Return what puts a value into the first bucket that holds it; the last one has no bound."""
    into = [bucket.inc for bucket in child._buckets]  # noqa: SLF001 - as for counters
    add = child._sum.inc  # noqa: SLF001 - as for counters

    def take(value: float) -> None:
        add(value)
        into[bisect_left(bounds, value)](1)

    return take


def _drop(_: float) -> None:
    """Take a value that has no place."""


def _build(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    name = PREFIX + metric.name
    if metric.kind is Kind.COUNTER:
        return Counter(name, metric.help, metric.labels, registry=registry)
    if metric.kind is Kind.GAUGE:
        # The sum over the processes that live: each sets its own share.
        return Gauge(name, metric.help, metric.labels, registry=registry, multiprocess_mode="livesum")
    return Histogram(name, metric.help, metric.labels, registry=registry, buckets=metric.buckets)


def _choose_values(folder: Path) -> _Values:
    """Make prometheus_client keep its values in the folder's files, and return what does.

    The library chooses at its import, by the environment; here the choice is made when the meter is built.
    """
    chosen: _Values = values.MutexValue
    try:
        _reserve(folder)
        chosen = MappedFiles(folder)
    except OSError as error:
        _log.error("no room for metrics: this process counts for itself only", error=str(error))
    values.ValueClass = chosen
    return chosen


def _reserve(folder: Path) -> None:
    """Give each of the process's files its pages now; raise OSError when the disk is full."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix in ("counter", "histogram", "gauge_livesum"):
        with (folder / f"{prefix}_{os.getpid()}.db").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, _RESERVED)


def wipe(folder: Path) -> None:
    """Start anew: the supervisor calls it before it starts the first process."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)


def process_gone(folder: Path, pid: int) -> None:
    """Take a dead process out of the gauges; its counters stay in the sums."""
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
