"""A freqtrade strategy with fixed signals: in at once, out after so many seconds, done after so many trades.

When it is done and everything is sold it writes the balances that the bot believes in to balances.json in
its user directory, which ends the test.
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class CountingStrategy(IStrategy):
    """Limit orders at the best price of its own side, so that fills come in parts and some never come."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    can_short = False
    process_only_new_candles = False
    startup_candle_count = 30
    minimal_roi: ClassVar[dict[str, float]] = {}
    stoploss = -0.99
    order_types: ClassVar[dict[str, object]] = {
        "entry": "limit",
        "exit": "limit",
        "emergency_exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    }

    trades = int(os.environ["COUNTING_TRADES"])
    held_s = int(os.environ["COUNTING_HELD_S"])

    def bot_loop_start(self, *_: Any, **__: Any) -> None:
        """Let a pair be traded again at once, and tell the balances when all is done."""
        self.unlock_reason("Auto lock")
        if self._begun() >= self.trades and not Trade.get_trades_proxy(is_open=True):
            target = Path(self.config["user_data_dir"]) / "balances.json"
            partial = target.with_suffix(".partial")
            self.wallets.update(require_update=True)
            told = {asset: [one.free, one.used] for asset, one in self.wallets.get_all_balances().items()}
            partial.write_text(json.dumps(told))
            partial.rename(target)

    def _begun(self) -> int:
        return sum(trade.has_open_orders or trade.amount > 0 for trade in Trade.get_trades_proxy())

    def populate_indicators(self, dataframe: DataFrame, _metadata: dict[str, Any]) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, _metadata: dict[str, Any]) -> DataFrame:
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, _metadata: dict[str, Any]) -> DataFrame:
        dataframe["exit_long"] = 0
        return dataframe

    def confirm_trade_entry(self, *_: Any, **__: Any) -> bool:
        """Stop entering after so many trades."""
        return self._begun() < self.trades

    def custom_exit(self, *_: Any, trade: Trade, current_time: datetime, **__: Any) -> str | None:
        """Leave after so many seconds, at whatever price."""
        return "held" if (current_time - trade.open_date_utc).total_seconds() >= self.held_s else None
