"""Every metric of the engine, declared in one place with its help text; units stand last."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_CALL_BUCKETS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2, 5, 10, 30)
_PASS_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """One registry and its metrics; a process makes one, a test as many as it has engines."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._declare_seams()
        self._declare_intents()
        self._declare_reconciliation()
        self._declare_capital()
        self._declare_loops()
        self._declare_ingress()
        self._declare_feed()

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"holdfast_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"holdfast_{name}", text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = _CALL_BUCKETS
    ) -> Histogram:
        return Histogram(f"holdfast_{name}", text, labels, registry=self.registry, buckets=buckets)

    def _declare_seams(self) -> None:
        self.sql_call_duration_seconds = self._histogram(
            "sql_call_duration_seconds",
            "Duration of SQL function calls, connection wait included",
            "function",
        )
        self.sql_call_errors_total = self._counter(
            "sql_call_errors_total",
            "SQL function calls that failed, by code of the error",
            "function",
            "code",
        )
        self.database_outages_total = self._counter(
            "database_outages_total", "SQL calls that an outage of the database failed, by its kind", "kind"
        )
        self.refusals_total = self._counter(
            "refusals_total", "Refusals and denials by the SQL functions, by code", "code", "function"
        )
        self.cross_tenant_access_attempts_total = self._counter(
            "cross_tenant_access_attempts_total",
            "Attempts to reach another tenant's things, refused",
            "tenant",
            "module",
        )
        self.tenant_violation_rate = self._gauge(
            "tenant_violation_rate",
            "Cross-tenant attempts per minute, over the last five minutes",
            "tenant",
            "module",
        )
        self.cross_tenant_unchecked_total = self._counter(
            "cross_tenant_unchecked_total", "Ids not found that were not checked, for lack of room"
        )
        self.notices_total = self._counter(
            "notices_total", "Notices to operators, by what became of them", "kind", "result"
        )
        self.illegal_transition_attempts_total = self._counter(
            "illegal_transition_attempts_total",
            "State transitions that the database refused",
            "tenant",
            "function",
        )
        self.stale_token_attempts_total = self._counter(
            "stale_token_attempts_total", "Releases refused for an old fencing token", "tenant", "function"
        )
        self.financial_invariant_failures_total = self._counter(
            "financial_invariant_failures_total",
            "Calls that would have broken a capital invariant",
            "tenant",
            "function",
        )
        self.coalescer_batch_size_items = self._histogram(
            "coalescer_batch_size_items", "Items in one array call", "function", buckets=_BATCH_BUCKETS
        )
        self.exchange_call_duration_seconds = self._histogram(
            "exchange_call_duration_seconds", "Duration of exchange calls", "endpoint", "outcome"
        )
        self.exchange_budget_wait_seconds = self._histogram(
            "exchange_budget_wait_seconds", "Wait for the rate budget of an exchange account", "endpoint"
        )
        self.circuit_state = self._gauge(
            "circuit_state", "Circuit of an exchange account: 0 closed, 1 half open, 2 open", "account"
        )
        self.circuit_opened_total = self._counter(
            "circuit_opened_total", "How often a circuit opened, by cause", "account", "cause"
        )
        self.exchange_clock_offset_seconds = self._gauge(
            "exchange_clock_offset_seconds", "Exchange clock minus ours", "account"
        )

    def _declare_intents(self) -> None:
        self.intents_total = self._counter(
            "intents_total", "Intents by how their answer ended", "kind", "outcome"
        )
        self.denials_total = self._counter(
            "denials_total", "Intents refused by us before anything was sent", "kind", "code"
        )
        self.entry_duration_seconds = self._histogram(
            "entry_duration_seconds", "From reception of an entry to its answer", "outcome"
        )
        self.exit_duration_seconds = self._histogram(
            "exit_duration_seconds", "From reception of an exit to its answer", "outcome"
        )
        self.cancels_total = self._counter("cancels_total", "Cancels by what became of them", "result")
        self.entry_lock_contention_total = self._counter(
            "entry_lock_contention_total", "Entries denied because the entry lock was held"
        )
        self.entry_lock_acquisition_seconds = self._histogram(
            "entry_lock_acquisition_seconds", "From reception of an entry to its entry lock, queue included"
        )
        self.entry_lock_expired = self._gauge(
            "entry_lock_expired", "Entry locks past their TTL whose intent is not resolved"
        )
        self.queue_depth_intents = self._gauge(
            "queue_depth_intents", "Intents that wait for their turn", "kind"
        )
        self.facts_pending = self._gauge(
            "facts_pending", "Confirmed facts that wait for the database in memory"
        )
        self.dead_mans_switches_fired_total = self._counter(
            "dead_mans_switches_fired_total", "Dead-man's switches that fired", "action", "cause"
        )
        self.false_absence_total = self._counter(
            "false_absence_total", "Orders that appeared after they were held for absent"
        )
        self.needs_operator_intents = self._gauge(
            "needs_operator_intents", "Intents whose fate only an operator can tell", "account"
        )
        self.resolutions_total = self._counter(
            "resolutions_total", "Looks of the resolver at an intent, by what came of them", "result"
        )
        self.duplicate_order_conflicts_total = self._counter(
            "duplicate_order_conflicts_total", "Second exchange orders seen for one intent"
        )
        self.fills_total = self._counter(
            "fills_total", "Fills handed to the ledger, by source and result", "source", "result"
        )
        self.fill_conflicts_total = self._counter(
            "fill_conflicts_total", "Trades told again with another price, quantity or fee; the first is kept"
        )
        self.open_orders = self._gauge("open_orders", "Orders open in the ledger", "account")
        self.in_doubt_intents = self._gauge(
            "in_doubt_intents", "Intents sent with an unknown outcome", "account"
        )
        self.sending_expired_intents = self._gauge(
            "sending_expired_intents", "Intents still sending past their expiry", "account"
        )

    def _declare_reconciliation(self) -> None:
        self.reconciliation_passes_total = self._counter(
            "reconciliation_passes_total",
            "Reconciliation passes by how they ended",
            "account",
            "outcome",
        )
        self.reconciliation_duration_seconds = self._histogram(
            "reconciliation_duration_seconds",
            "Duration of a reconciliation pass, the exchange's answers included",
            "account",
            buckets=_PASS_BUCKETS,
        )
        self.reconciliation_mismatches = self._gauge(
            "reconciliation_mismatches",
            "Differences between ledger and exchange that stand after the last pass",
            "account",
            "kind",
        )
        self.reconciliation_healed_total = self._counter(
            "reconciliation_healed_total", "Differences that a pass has set right", "account", "kind"
        )
        self.reconciliation_skipped_orders = self._gauge(
            "reconciliation_skipped_orders", "Orders that moved while the last pass read them", "account"
        )
        self.reconciliation_unlisted_symbols = self._gauge(
            "reconciliation_unlisted_symbols",
            "Symbols in use here that the exchange does not list: their orders cannot be compared",
            "account",
        )
        self.reconciliation_last_success_timestamp_seconds = self._gauge(
            "reconciliation_last_success_timestamp_seconds",
            "Unix time of the last pass that read the exchange completely",
            "account",
        )

    def _declare_capital(self) -> None:
        self.capital_quote_units = self._gauge(
            "capital_quote_units",
            "Capital figures of a profile in its quote asset",
            "tenant",
            "profile",
            "asset",
            "figure",
        )
        self.profile_mode = self._gauge(
            "profile_mode", "1 for the present mode of a profile", "tenant", "profile", "mode"
        )
        self.invariant_violations = self._gauge(
            "invariant_violations", "Invariant checks that failed at the last look", "check"
        )
        self.invariant_checks_total = self._counter(
            "invariant_checks_total", "Invariant checks done", "check"
        )

        self.lock_overdue_seconds = self._gauge(
            "lock_overdue_seconds", "How long the oldest lock of a kind is past its TTL, 0 if none is", "kind"
        )

    def _declare_loops(self) -> None:
        self.loops_silent = self._gauge(
            "loops_silent", "Loops that are down or silent for too long at the watchdog's last look"
        )
        self.loop_heartbeat_timestamp_seconds = self._gauge(
            "loop_heartbeat_timestamp_seconds", "Unix time of a loop's last sign of life", "loop"
        )
        self.loop_iterations_total = self._counter("loop_iterations_total", "Iterations of a loop", "loop")
        self.loop_errors_total = self._counter(
            "loop_errors_total", "Unexpected errors that ended a loop's run", "loop"
        )
        self.loop_running = self._gauge("loop_running", "1 while a loop runs", "loop")
        self.stream_events_total = self._counter(
            "stream_events_total", "Events of the exchange's streams", "account", "kind"
        )
        self.stream_reconnects_total = self._counter(
            "stream_reconnects_total", "Reconnects of the exchange's streams", "account", "kind"
        )
        self.quote_age_seconds = self._gauge(
            "quote_age_seconds", "Age of the last quote", "account", "symbol"
        )
        self.engine_instances = self._gauge("engine_instances", "Engine processes that live on this database")
        self.lease_held = self._gauge(
            "lease_held", "1 while this process holds the lease of an exchange account", "account"
        )
        self.lease_changes_total = self._counter(
            "lease_changes_total",
            "Leases of exchange accounts that this process took, took over, lost or released",
            "account",
            "change",
        )
        self._declare_exchange_timers()
        self.gate_open = self._gauge("gate_open", "1 for a start-up gate that is open", "gate")

    def _declare_exchange_timers(self) -> None:
        self.exchange_timer_armed = self._gauge(
            "exchange_timer_armed",
            "1 while the exchange's own timer of an account is armed by its answer, else 0",
            "account",
        )
        self.exchange_timer_timestamp_seconds = self._gauge(
            "exchange_timer_timestamp_seconds",
            "Unix time at which the exchange's timer would cancel all orders of an account, else 0",
            "account",
        )
        self.exchange_timer_calls_total = self._counter(
            "exchange_timer_calls_total",
            "Calls that arm or disarm the exchange's timer of an account, by outcome",
            "account",
            "call",
            "outcome",
        )
        self.exchange_timer_strangers_total = self._counter(
            "exchange_timer_strangers_total",
            "Times that a stranger's order or fill turned the exchange's timer of an account off",
            "account",
        )
        self.exchange_timer_run_out_total = self._counter(
            "exchange_timer_run_out_total",
            "Times that the exchange's timer of an account was found run out: it had canceled all orders",
            "account",
        )

    def _declare_ingress(self) -> None:
        self.http_request_duration_seconds = self._histogram(
            "http_request_duration_seconds", "Duration of robots' requests", "route", "method", "status"
        )
        self.http_requests_in_flight = self._gauge("http_requests_in_flight", "Requests being answered")
        self.webhook_alerts_total = self._counter(
            "webhook_alerts_total", "Executions of alerts, by state and code they left", "state", "code"
        )
        self.rate_limited_total = self._counter(
            "rate_limited_total",
            "Robots' requests refused for their rate, by whose bucket was empty",
            "scope",
            "kind",
        )

    def _declare_feed(self) -> None:
        self.feed_lag_events = self._gauge(
            "feed_lag_events", "Events that waited for their seq at the last look, 1000 of a tenant at most"
        )
        self.feed_lag_seconds = self._gauge(
            "feed_lag_seconds", "How long the oldest event had waited for its seq at the last look"
        )
        self.feed_events_sequenced_total = self._counter(
            "feed_events_sequenced_total", "Events that this process gave their seq"
        )
        self.feed_clients = self._gauge("feed_clients", "Clients connected to the feed", "transport")
        self.feed_client_drops_total = self._counter(
            "feed_client_drops_total", "Feed clients that were disconnected, by why", "reason"
        )
        self.relay_publications_total = self._counter(
            "relay_publications_total", "Events handed to the broker, by what it answered", "outcome"
        )
        self.relay_lag_events = self._gauge(
            "relay_lag_events", "Numbered events that the broker has not confirmed, over all tenants"
        )
        self.relay_connected = self._gauge(
            "relay_connected", "1 while this process is connected to the broker"
        )
        self.dead_letters_total = self._counter(
            "dead_letters_total", "Events that the relay gave up, by the code of their last failure", "code"
        )
        self.dead_letters_open = self._gauge(
            "dead_letters_open", "Dead letters that wait for an operator", "direction"
        )
