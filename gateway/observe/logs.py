"""Structured logs: one JSON object a line on standard error, and no address in it.

Modules log with ``structlog.get_logger(__name__)`` and key-value pairs; the name of the event is fixed text.
Each line has ``time`` (ISO 8601, UTC), ``level``, ``type`` (an event type of the house, or "Log"), ``event``.
Records of the standard library's logging (uvicorn, aiosmtpd, asyncio, sqlalchemy) go the same way, and so do
exceptions that nobody caught.

What it promises: every value is redacted (gateway.observe.redact) right before it is written; a call below
the level costs a comparison; a log that cannot be written never stops the mail: the line is counted as lost.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import IO, Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.observe.plain import plain_line
from gateway.observe.redact import redact_value

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["json", "console", "terminal-decides"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
# aiosmtpd logs every line of a message at DEBUG and every command at INFO; SQLAlchemy every statement
# with its values; httpcore the hosts of tenants' URLs and what their servers say; asyncio and uvicorn what is
# only of use to their authors.
_QUIET = (
    *("mail.log", "mail.debug", "sqlalchemy", "alembic", "asyncio", "uvicorn"),
    *("aiosmtplib", "httpcore", "python_multipart"),
)


class _Threshold:
    """The level now; a reload may change it under loggers that are cached already."""

    number = _LEVELS["info"]


class GatedLogger(structlog.BoundLoggerBase):
    """A bound logger that compares levels before it does anything else."""

    def debug(self, event: str, **values: object) -> None:
        """Log what only a developer wants to know."""
        if _Threshold.number <= 10:
            self._say("debug", event, values)

    def info(self, event: str, **values: object) -> None:
        """Log what is normal."""
        if _Threshold.number <= 20:
            self._say("info", event, values)

    def warning(self, event: str, **values: object) -> None:
        """Log what an operator may want to look at."""
        if _Threshold.number <= 30:
            self._say("warning", event, values)

    def error(self, event: str, **values: object) -> None:
        """Log what an operator must look at."""
        self._say("error", event, values)

    def exception(self, event: str, **values: object) -> None:
        """Log an error with the exception that is being handled."""
        self._proxy_to_logger("error", event, exc_info=True, **values)

    def critical(self, event: str, **values: object) -> None:
        """Log the end of a process."""
        self._say("critical", event, values)

    def _say(self, level: str, event: str, values: dict[str, object]) -> None:
        """Write a line: at once where its values are plain, else by way of the processors."""
        if self._processors is _PROCESSORS and _PROCESSORS[-1] is _as_json:
            line = plain_line(level, event, {**self._context, **values})
            if line is not None:
                self._logger.msg(line)
                return
        self._proxy_to_logger(level, event, **values)


def _forget() -> None:
    """Count nothing: nobody has asked to know of lost lines."""


class Lines:
    """Writes lines to a stream; what cannot be written is counted and dropped."""

    def __init__(self) -> None:
        self.stream: IO[str] = sys.stderr
        self.lost: Callable[[], None] = _forget
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        """Write a line in one piece: the processes of the house share the stream."""
        try:
            with self._lock:
                self.stream.write(line + "\n")
                self.stream.flush()
        except (OSError, ValueError):  # a full disk, a closed pipe, a closed file
            self.lost()

    debug = info = warning = error = critical = msg


def configure(
    level: Level = "info",
    *,
    stream: IO[str] | None = None,
    form: Form = "terminal-decides",
    lost: Callable[[], None] = _forget,
) -> None:
    """Set up structlog and the standard library's logging for this process; may be called again."""
    _LINES.stream = stream if stream is not None else sys.stderr
    _LINES.lost = lost
    # In place: loggers that are cached already hold this very list.
    _PROCESSORS[:] = [*_FIRST, *_renderer(form, _LINES.stream)]
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=GatedLogger,
        logger_factory=_give_lines,
        cache_logger_on_first_use=True,
    )
    logging.getLogger().handlers[:] = [_ThroughStructlog()]
    logging.captureWarnings(capture=True)
    set_level(level)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def set_level(level: Level) -> None:
    """Change the level of all loggers, those that are in use too: what a reload calls."""
    _Threshold.number = _LEVELS[level]
    logging.getLogger().setLevel(_LEVELS[level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(_LEVELS[level], logging.WARNING))


def redaction(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    """Take the addresses out of every value and key: the last processor before the renderer."""
    clean = redact_value(fields)
    return clean if isinstance(clean, dict) else {"event": str(clean), "level": "error", "type": "Log"}


def _with_type(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    fields.setdefault("type", "Log")
    return fields


def _as_json(_logger: WrappedLogger, _method: str, fields: EventDict) -> str:
    line = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate cannot be written; its escape is good JSON.
    return line if line.isascii() else line.encode("utf-8", "backslashreplace").decode()


_FIRST: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    _with_type,
    structlog.processors.format_exc_info,
    redaction,
)


def _renderer(form: Form, stream: IO[str]) -> tuple[Processor, ...]:
    if form == "console" or (form == "terminal-decides" and stream.isatty()):
        return (_drop_type, structlog.dev.ConsoleRenderer(timestamp_key="time"))
    return (_as_json,)


def _drop_type(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    """Leave the type out where it says nothing to a person."""
    if fields.get("type") in {"Log", fields.get("event")}:
        del fields["type"]
    return fields


_LINES = Lines()
_PROCESSORS: list[Processor] = []


def _give_lines(*_names: object) -> Lines:
    return _LINES


class _ThroughStructlog(logging.Handler):
    """Takes the standard library's records through the same processors."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; one that cannot be formatted is named and no more."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - wrong arguments in a library must not stop the mail
            text = "a log record that cannot be formatted"
        fields: Any = {"event": text, "logger": record.name}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        method = record.levelname.lower()
        for process in _PROCESSORS:
            fields = process(None, method if method in _LEVELS else "info", fields)
        _LINES.msg(fields)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("uncaught exception", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _unraisable(args: Any) -> None:
    _log.error("unraisable exception", exc_info=args.exc_value, where=repr(args.object))


_log: GatedLogger = structlog.get_logger(__name__)
