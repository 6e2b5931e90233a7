"""What the exchange answers when it refuses: Binance's codes, messages and HTTP statuses."""

from typing import Any


class Refusal(Exception):  # noqa: N818 - it is an answer of the exchange, not an error of this program
    """A refusal as the wire shows it: HTTP status, negative code, message."""

    def __init__(
        self,
        code: int,
        message: str,
        status: int = 400,
        headers: dict[str, str] | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}
        self.data = data

    def shown(self) -> dict[str, Any]:
        """Give the body that tells it."""
        shown: dict[str, Any] = {"code": self.code, "msg": self.message}
        if self.data is not None:
            shown["data"] = self.data
        return shown


# Codes after which nobody knows whether the order exists, with their usual HTTP status.
_UNKNOWN_STATUS = {
    -1000: (500, "An unknown error occurred while processing the request."),
    -1001: (500, "Internal error; unable to process your request. Please try again."),
    -1006: (500, "An unexpected response was received from the message bus. Execution status unknown."),
    -1007: (
        504,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    ),
    -1008: (503, "Server is currently overloaded with other requests. Please try again in a few minutes."),
    -1016: (503, "This service is no longer available."),
}


def unknown_status(code: int) -> Refusal:
    """Tell the client that something failed and nobody knows whether the order exists."""
    status, message = _UNKNOWN_STATUS.get(code, (500, "Unknown error, please check your request."))
    return Refusal(code, message, status)


def missing(parameter: str) -> Refusal:
    return Refusal(-1102, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.")


def empty(parameter: str) -> Refusal:
    return Refusal(-1105, f"Parameter '{parameter}' was empty.")


def not_required(parameter: str) -> Refusal:
    return Refusal(-1106, f"Parameter '{parameter}' sent when not required.")


def illegal_characters(parameter: str, legal: str) -> Refusal:
    return Refusal(-1100, f"Illegal characters found in parameter '{parameter}'; legal range is '{legal}'.")


def too_precise(parameter: str) -> Refusal:
    return Refusal(-1111, f"Parameter '{parameter}' has too much precision.")


def too_many(read: int, sent: int) -> Refusal:
    return Refusal(
        -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
    )


def either_of(one: str, other: str) -> Refusal:
    return Refusal(-1102, f"Param '{one}' or '{other}' must be sent, but both were empty/null!")


def not_valid(parameter: str) -> Refusal:
    return Refusal(-1130, f"Data sent for parameter '{parameter}' is not valid.")


def bad_combination() -> Refusal:
    return Refusal(-1128, "Combination of optional parameters invalid.")


def filter_failure(name: str) -> Refusal:
    return Refusal(-1013, f"Filter failure: {name}")


def not_supported(what: str) -> Refusal:
    return Refusal(-1013, f"{what} not supported for this symbol.")


def unknown_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.")


def outside_window() -> Refusal:
    return Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def ahead_of_server() -> Refusal:
    return Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def bad_signature() -> Refusal:
    return Refusal(-1022, "Signature for this request is not valid.")


def bad_key_format() -> Refusal:
    return Refusal(-2014, "API-key format invalid.", 401)


def unknown_key() -> Refusal:
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def insufficient_balance() -> Refusal:
    return Refusal(-2010, "Account has insufficient balance for requested action.")


def duplicate_order() -> Refusal:
    return Refusal(-2010, "Duplicate order sent.")


def would_match() -> Refusal:
    return Refusal(-2010, "Order would immediately match and take.")


def unknown_order() -> Refusal:
    return Refusal(-2011, "Unknown order sent.")


def no_such_order() -> Refusal:
    return Refusal(-2013, "Order does not exist.")
