"""Counts what waits for an operator, with or without a broker."""

from engine.ledger import relay
from engine.ledger.seam import Ledger
from engine.runtime.metrics import Metrics


class DeadLetterCount:
    """Keeps the gauge of open dead letters."""

    def __init__(self, ledger: Ledger, metrics: Metrics) -> None:
        self._ledger = ledger
        self._metrics = metrics

    async def look(self) -> None:
        """Count once. Raises the ledger's errors."""
        for direction, letters in (await relay.open_dead_letters(self._ledger)).items():
            self._metrics.dead_letters_open.labels(direction).set(letters)
