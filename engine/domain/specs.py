"""The profile spec: which rules there are, their form, and how a version is named."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.domain.canonical import canonical, parse, revision
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.money import ZERO, parse_decimal

SPEC_BYTES_MAX = 512 * 1024
_SYMBOL_LENGTH_MAX = 64
_SHOWN_CHARACTERS_MAX = 64
_NUMBER = r"^[0-9]{1,20}(\.[0-9]{1,18})?$"
_ETAG = re.compile(r'(W/)?"([^"]*)"')

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a spec: its check (the reason against a value, or None), its JSON schema."""

    wrong: Callable[[Any], str | None]
    schema: Schema


def _number(text: str) -> Rule:
    def wrong(value: Any) -> str | None:
        if not isinstance(value, str) or not re.fullmatch(_NUMBER.strip("^$"), value, re.ASCII):
            return "it is a decimal number as text"
        try:
            return None if parse_decimal(value, "value") >= ZERO else "it is not negative"
        except HoldfastError as error:
            return str(error)

    return Rule(wrong, {"type": "string", "pattern": _NUMBER, "description": text})


def _whole(text: str, most: int, least: int = 1) -> Rule:
    def wrong(value: Any) -> str | None:
        fine = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fine else f"it is a whole number from {least} to {most}"

    return Rule(wrong, {"type": "integer", "minimum": least, "maximum": most, "description": text})


def _object(text: str, required: tuple[str, ...], **parts: Rule) -> Rule:
    def wrong(value: Any) -> str | None:
        if not isinstance(value, dict) or not value:
            return f"it is an object with {' and '.join(parts)}"
        missing = [name for name in required if name not in value]
        if missing:
            return f"{missing[0]} is missing"
        for name, inner in value.items():
            if name not in parts:
                return f"{name[:_SHOWN_CHARACTERS_MAX]} is not known; known are {', '.join(parts)}"
            reason = parts[name].wrong(inner)
            if reason is not None:
                return f"{name}: {reason}"
        return None

    schema: Schema = {
        "type": "object",
        "properties": {name: part.schema for name, part in parts.items()},
        "additionalProperties": False,
        "minProperties": 1,
        "description": text,
    }
    return Rule(wrong, schema | ({"required": list(required)} if required else {}))


def _symbols(value: Any) -> str | None:
    fine = isinstance(value, list) and all(
        isinstance(one, str) and 0 < len(one) <= _SYMBOL_LENGTH_MAX and one.isprintable() for one in value
    )
    return None if fine else "it is a list of symbols"


_COUNT_MAX = 1_000_000
RULES: Mapping[str, Rule] = {
    "symbols": Rule(
        _symbols,
        {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": _SYMBOL_LENGTH_MAX},
            "description": "the instruments that entries may buy; without it all of the quote asset",
        },
    ),
    "max_order_quantity": _number("most base units of one entry"),
    "max_order_notional": _number("most price times quantity of one entry, in the quote asset"),
    "max_open_orders": _object(
        "most unfinished orders at a time, of the profile and of each symbol in it",
        (),
        profile=_whole("of the profile", _COUNT_MAX),
        symbol=_whole("of one symbol", _COUNT_MAX),
    ),
    "max_entries_per_minute": _whole("most entries opened within 60 seconds", _COUNT_MAX),
    "price_collar": _number("farthest that a limit may lie from a fresh price, as a share: 0.05 is 5 %"),
    "identical_orders": _object(
        "most entries of the same symbol, type, quantity and price within some seconds",
        ("count", "within_s"),
        count=_whole("how many", _COUNT_MAX),
        within_s=_whole("seconds", 86_400),
    ),
    "max_daily_loss": _number("realized loss since midnight UTC that sets the profile to reducing"),
    "slippage_cap": _number("how far above the ask a market entry may buy, as a share; 0.01 without it"),
    "max_slippage": _number("the older name of slippage_cap"),
    "quote_max_age_ms": _whole("oldest ask that a market entry may use; 2000 without it", 9_999_999),
    "reconciliation_age_max_s": _whole("longest time since the account was last compared", 86_400),
    "clock_skew_max_ms": _whole("how far the exchange's clock may be from ours", 86_400_000),
}
SPEC_SCHEMA: Schema = {
    "title": "Spec",
    "type": "object",
    "properties": {name: rule.schema for name, rule in RULES.items()},
    "additionalProperties": False,
    "description": "the rules of a profile; what is left out is not limited",
}


def checked_spec(spec: Any) -> Mapping[str, Any]:
    """Return a spec of the documented form. Raises SPEC_INVALID_SCHEMA with the `field` that is wrong."""
    if not isinstance(spec, dict):
        raise HoldfastError(ErrorCode.SPEC_INVALID_SCHEMA, "A spec is a JSON object.", field="spec")
    for name, value in spec.items():
        rule = RULES.get(name)
        reason = f"known are {', '.join(RULES)}" if rule is None else rule.wrong(value)
        if reason is not None:
            raise _invalid(name, reason, value)
    if "max_slippage" in spec and "slippage_cap" in spec:
        raise _invalid("max_slippage", "it is the older name of slippage_cap", spec["max_slippage"])
    size = len(canonical(spec).encode())
    if size > SPEC_BYTES_MAX:
        raise HoldfastError(
            ErrorCode.SPEC_INVALID_SCHEMA,
            f"A spec has at most {SPEC_BYTES_MAX} bytes.",
            field="spec",
            bytes=size,
            bytes_max=SPEC_BYTES_MAX,
        )
    return spec


def read_spec(text: bytes | str) -> Mapping[str, Any]:
    """Return the spec that a JSON text holds. Raises SPEC_INVALID_SCHEMA."""
    try:
        given = parse(text)
    except ValueError as error:
        raise HoldfastError(
            ErrorCode.SPEC_INVALID_SCHEMA, f"A spec is a JSON object: {error}.", field="spec"
        ) from None
    return checked_spec(given)


def spec_revision(spec: Mapping[str, Any]) -> str:
    """Return the hash of a spec's canonical JSON: the same rules, the same hash."""
    return revision(dict(spec))


def tag_of(version: int, spec_hash: str) -> str:
    """Return what names a version and its rules; in quotes it is the ETag."""
    return f"{version}-{spec_hash}"


def tags_of(if_match: str) -> list[str]:
    """Return the strong tags of an If-Match header, ["*"] for any. Raises BAD_REQUEST.

    A weak tag is left out: it never matches here (RFC 9110, section 13.1.1).
    """
    if if_match.strip() == "*":
        return ["*"]
    parts = [_ETAG.fullmatch(part.strip()) for part in if_match.split(",")]
    if not all(parts):
        raise HoldfastError(
            ErrorCode.BAD_REQUEST, 'If-Match is * or a list of tags in double quotes, such as "3-5d41…".'
        )
    return [part[2] for part in parts if part is not None and part[1] is None and part[2] != "*"]


def _invalid(field: str, reason: str, value: Any) -> HoldfastError:
    shown = field[:_SHOWN_CHARACTERS_MAX]
    return HoldfastError(
        ErrorCode.SPEC_INVALID_SCHEMA,
        f"The spec's {shown!r} is not of the documented form: {reason}.",
        field=shown,
        value=str(value)[:_SHOWN_CHARACTERS_MAX],
    )
