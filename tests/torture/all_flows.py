"""All flows by name."""

from tests.torture.flows import MONEY_FLOWS, OPERATOR_FLOWS
from tests.torture.hard_flows import HARD_FLOWS
from tests.torture.truth_flows import TRUTH_FLOWS

FLOWS = {flow.name: flow for flow in (*MONEY_FLOWS, *OPERATOR_FLOWS, *TRUTH_FLOWS, *HARD_FLOWS)}
