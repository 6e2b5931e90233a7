"""An answer of the exchange is lost: what a robot is told until its order is proven, and afterwards."""

from uuid import uuid4

from tests.daemon.stage import Stage, Tenant, until
from tests.daemon.test_trading import RESTING, enter, order


def test_a_lost_answer_is_proven_by_itself(stage: Stage, tenant: Tenant) -> None:
    """Unknown at first, then placed under the same key; its timeline shows what the exchange was asked."""
    other = stage.tenant(blind=True)  # no stream tells of it: only the resolver's look does
    lost = {"method": "POST", "path": "/api/v3/order", "account": other.name}
    stage.steer("POST", "/faults", {"kind": "drop_after", "match": lost})
    key = uuid4().hex
    first = enter(stage, other, key, **RESTING)
    assert (202, "unknown", "in_doubt") == (first.status, first.body["outcome"], first.body["state"])
    settled = until("it is proven", lambda: _settled(stage, other, key))
    assert (201, "placed", "open") == (
        settled.status,
        settled.body["outcome"],
        settled.body["order"]["status"],
    )
    path = f"/v1/orders/{settled.body['id']}/timeline"
    events = stage.call("GET", path, key=other.key).body["events"]
    (proof,) = [event["proof"] for event in events if event["type"] == "proof.present"]
    assert "find_order" == proof["asked"][0]["question"]
    assert settled.body["exchange_order_id"] == proof["asked"][0]["answer"]["exchange_order_id"]
    assert 404 == stage.call("GET", path, key=tenant.key).status
    canceled = stage.call("DELETE", f"/v1/orders/{settled.body['id']}", key=other.key, idem="c")
    assert 200 == canceled.status
    assert "canceled" == order(stage, other, settled.body["id"])["order"]["status"]


def _settled(stage: Stage, tenant: Tenant, key: str) -> object:
    answer = enter(stage, tenant, key, **RESTING)
    return answer if answer.status == 201 else None
