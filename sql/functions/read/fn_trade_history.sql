-- Lists closed round trips, newest first. p_filter: profile_id, symbol, before (an event id), limit.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF422 bad filter.
CREATE OR REPLACE FUNCTION engine.fn_trade_history(p_tenant_id uuid, p_filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_limit integer := engine.page_size(p_filter);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('event_id', h.event_id, 'profile_id', h.profile_id, 'symbol', h.symbol,
      'bought_quantity', trim_scale(h.bought_quantity)::text, 'bought_notional', trim_scale(h.bought_notional)::text,
      'sold_quantity', trim_scale(h.sold_quantity)::text, 'sold_notional', trim_scale(h.sold_notional)::text,
      'fees', trim_scale(h.fees)::text, 'trading_pnl', trim_scale(h.trading_pnl)::text,
      'realized_pnl', trim_scale(h.trading_pnl - h.fees)::text, 'dust_quantity', trim_scale(h.dust_quantity)::text,
      'dust_cost', trim_scale(h.dust_cost)::text, 'opened_at', h.opened_at, 'closed_at', h.closed_at)
      ORDER BY h.event_id DESC), '[]')
    FROM (
      SELECT h.* FROM engine.trade_history h
      WHERE h.tenant_id = p_tenant_id
        AND (p_filter->>'profile_id' IS NULL OR h.profile_id = (p_filter->>'profile_id')::uuid)
        AND (p_filter->>'symbol' IS NULL OR h.symbol = p_filter->>'symbol')
        AND (p_filter->>'before' IS NULL OR h.event_id < (p_filter->>'before')::bigint)
      ORDER BY h.event_id DESC LIMIT v_limit) h);
END
$$;
COMMENT ON FUNCTION engine.fn_trade_history IS
  'Closed round trips with their pnl, newest first.';
REVOKE ALL ON FUNCTION engine.fn_trade_history FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_trade_history TO holdfast_engine, holdfast_operator, holdfast_reader;
