-- Of a fill only its valuation may come later, once, and the mark that real trades superseded it.
CREATE OR REPLACE TRIGGER fills_immutable
  BEFORE UPDATE ON engine.fills
  FOR EACH ROW WHEN (
    (OLD.fee_value IS NOT NULL AND (NEW.fee_value, NEW.fee_rate, NEW.rate_source)
      IS DISTINCT FROM (OLD.fee_value, OLD.fee_rate, OLD.rate_source))
    OR (OLD.superseded_at IS NOT NULL AND NEW.superseded_at IS DISTINCT FROM OLD.superseded_at)
    OR (NEW.tenant_id, NEW.account_id, NEW.symbol, NEW.exchange_order_id, NEW.exchange_trade_id, NEW.intent_id,
        NEW.profile_id, NEW.event_id, NEW.side, NEW.price, NEW.quantity, NEW.notional, NEW.fee_asset,
        NEW.fee_quantity, NEW.maker, NEW.inferred, NEW.source, NEW.exchange_time, NEW.recorded_at)
      IS DISTINCT FROM
       (OLD.tenant_id, OLD.account_id, OLD.symbol, OLD.exchange_order_id, OLD.exchange_trade_id, OLD.intent_id,
        OLD.profile_id, OLD.event_id, OLD.side, OLD.price, OLD.quantity, OLD.notional, OLD.fee_asset,
        OLD.fee_quantity, OLD.maker, OLD.inferred, OLD.source, OLD.exchange_time, OLD.recorded_at))
  EXECUTE FUNCTION engine.refuse_change();
