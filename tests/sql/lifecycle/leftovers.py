"""Everything that orders leave in the ledger, to compare two ways that must leave the same."""

import json
from typing import Any

from tests.sql.capital.world import Tenant, World

# But for the moment and the number of its writing.
_LEFT = """
SELECT jsonb_build_object(
  'intents', (SELECT jsonb_agg(to_jsonb(i)
      - '{cancel_requested_at,owner,fencing_token,expires_at,exchange_deadline,created_at,updated_at}'::text[]
      - 'released_at'::text
      || jsonb_build_object('released', released_at IS NOT NULL) ORDER BY intent_id)
    FROM engine.intents i WHERE tenant_id = $1),
  'orders', (SELECT jsonb_agg(to_jsonb(o) - '{created_at,updated_at,finished_at}'::text[]
      || jsonb_build_object('finished', finished_at IS NOT NULL) ORDER BY intent_id)
    FROM engine.orders o WHERE tenant_id = $1),
  'fills', (SELECT jsonb_agg(to_jsonb(f) - '{event_id,recorded_at}'::text[] ORDER BY event_id)
    FROM engine.fills f WHERE tenant_id = $1),
  'fill events', (SELECT jsonb_agg(e.version ORDER BY f.event_id)
    FROM engine.fills f JOIN engine.economic_events e USING (tenant_id, event_id) WHERE f.tenant_id = $1),
  'parked', (SELECT count(*) FROM engine.unmatched_fills WHERE tenant_id = $1),
  'positions', (SELECT jsonb_agg(to_jsonb(p) - '{opened_at,updated_at}'::text[]
      || jsonb_build_object('open', opened_at IS NOT NULL)) FROM engine.positions p WHERE tenant_id = $1),
  'capital', (SELECT jsonb_agg(to_jsonb(c) - 'updated_at'::text)
    FROM engine.profile_capital c WHERE tenant_id = $1),
  'events', (SELECT jsonb_agg(to_jsonb(f) - '{event_id,part,recorded_at,type,payload,seq}'::text[]
      ORDER BY version, lines::text)
    FROM engine.facts f WHERE tenant_id = $1 AND version IS NOT NULL),
  'feed', (SELECT jsonb_agg(jsonb_build_array(type, payload, intent_id) ORDER BY event_id, part)
    FROM engine.facts f WHERE tenant_id = $1 AND type IS NOT NULL
      AND intent_id IS NOT NULL),
  'trips', (SELECT jsonb_agg(to_jsonb(t) - '{event_id,opened_at,closed_at}'::text[])
    FROM engine.trade_history t WHERE tenant_id = $1),
  'unassigned', (SELECT jsonb_agg(to_jsonb(h) ORDER BY asset) FROM engine.unassigned_holdings h
    WHERE tenant_id = $1))
"""


async def left(world: World, tenant: Tenant) -> Any:
    """What the ledger holds of a tenant, its own ids taken out."""
    text = await world.admin.fetchval(_LEFT, tenant.id)
    names = ("id", "account", "profile", "robot")
    for name in names:
        text = text.replace(str(getattr(tenant, name)), name)
    return json.loads(text)
