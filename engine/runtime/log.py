"""Structured logs: JSON or console lines, with the ids of the request bound and secrets never written."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

_SECRET = re.compile(
    r"secret|password|passphrase|credential|authorization|master_key|api_?key|signature|robot_key",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(
    r"hf_[A-Za-z0-9_-]{8,}|eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*|(?<=://)[^/@\s]+:[^/@\s]+(?=@)|(?<=signature=)[0-9a-fA-F]+"
)
HIDDEN = "[hidden]"


def configure(*, json_lines: bool, level: str = "INFO") -> None:
    """Set how this process logs: to stderr, one line an event. Called once, by the composition root."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


@contextmanager
def silenced() -> Iterator[None]:
    """Log nothing inside: for a command whose answer says it all."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def get_logger(module: str) -> FilteringBoundLogger:
    """Return the logger of a module."""
    logger: FilteringBoundLogger = structlog.get_logger(module=module)
    return logger


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Bind ids (request, tenant, profile, intent …) to every line logged inside; None is left out."""
    with structlog.contextvars.bound_contextvars(
        **{name: str(value) for name, value in ids.items() if value is not None}
    ):
        yield


def hide_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace what a secret's name or form gives away, at any depth."""
    return {name: _hidden(name, value) for name, value in event.items()}


def _hidden(name: str, value: Any) -> Any:
    if _SECRET.search(name):
        return HIDDEN
    if isinstance(value, dict):
        return {key: _hidden(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(name, inner) for inner in value]
    if isinstance(value, str):
        return _IN_TEXT.sub(HIDDEN, value)
    return value
