"""`holdfast explain CODE`: what an error code means and whether the same request may be sent again."""

import click

from engine.cli.render import current_output, render, render_one
from engine.domain.errors import EXPLANATIONS, ErrorCode, HoldfastError


@click.command()
@click.argument("code", required=False)
def explain(code: str | None) -> None:
    """Explain one error CODE, or list all."""
    if code is None:
        render([_fields(one) for one in ErrorCode], ["code", "status", "retryable", "text"])
        return
    known = {one.value: one for one in ErrorCode}
    found = known.get(code.strip().upper().replace("-", "_"))
    if found is None:
        raise HoldfastError(
            ErrorCode.NOT_FOUND, f"There is no error code {code!r}; `holdfast explain` lists all."
        )
    if current_output() == "json":
        render_one(_fields(found))
        return
    explanation = EXPLANATIONS[found]
    again = "may be sent again" if explanation.retryable else "must not be repeated unchanged"
    click.echo(f"{found.value} (HTTP {explanation.status})\n{explanation.text}\nThe same request {again}.")


def _fields(code: ErrorCode) -> dict[str, object]:
    explanation = EXPLANATIONS[code]
    return {
        "code": code.value,
        "status": explanation.status,
        "retryable": explanation.retryable,
        "text": explanation.text,
    }
