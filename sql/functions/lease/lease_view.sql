-- What is shown of a lease, wherever it is shown. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.lease_view(p_lease engine.account_leases, p_now timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = ''
AS $$
  SELECT jsonb_build_object(
    'account_id', p_lease.account_id, 'holder', p_lease.holder,
    'holder_name', (SELECT name FROM engine.engine_instances WHERE instance_id = p_lease.holder),
    'fencing_token', p_lease.fencing_token, 'acquired_at', p_lease.acquired_at, 'expires_at', p_lease.expires_at,
    'live', coalesce(p_lease.expires_at > p_now, false), 'stage', p_lease.stage,
    'stage_reason', p_lease.stage_reason, 'reconciled_at', p_lease.reconciled_at)
$$;
COMMENT ON FUNCTION engine.lease_view IS
  'A lease as processes and operators see it.';
REVOKE ALL ON FUNCTION engine.lease_view FROM PUBLIC;
