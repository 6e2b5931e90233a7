"""The exit codes of every command, and which error leads to which."""

from enum import IntEnum

from engine.domain.errors import ErrorCode


class Exit(IntEnum):
    """Scripts may rely on these."""

    OK = 0
    FAILED = 1  # a check found something, or a command did not reach its end
    USAGE = 2  # wrong option or argument; nothing was done
    UNREACHABLE = 3  # a precondition is missing: database, exchange, setting
    NOT_FOUND = 4
    REFUSED = 5  # a rule said no; the code tells which


_BY_CODE = {
    ErrorCode.DRIFT: Exit.FAILED,
    ErrorCode.INTERNAL: Exit.FAILED,
    ErrorCode.INVARIANT_BROKEN: Exit.FAILED,
    ErrorCode.BAD_REQUEST: Exit.USAGE,
    ErrorCode.CONFIGURATION: Exit.UNREACHABLE,
    ErrorCode.DATABASE_UNAVAILABLE: Exit.UNREACHABLE,
    ErrorCode.EXCHANGE_UNAVAILABLE: Exit.UNREACHABLE,
    ErrorCode.NOT_READY: Exit.UNREACHABLE,
    ErrorCode.NOT_FOUND: Exit.NOT_FOUND,
}


def exit_code(code: ErrorCode) -> Exit:
    """The exit code of an error; a code that is not listed is a refusal."""
    return _BY_CODE.get(code, Exit.REFUSED)
