"""Planted bugs in SQL functions."""

from tests.planted.planting import Bug, both, sql, statements

# the first to look goes on soon, who looks meanwhile goes on when the first one's entry is through
_LOOK = """(v_known, p_item ->> 'request_hash');  -- which needs none of the rest
  END IF;"""
_SELECT_FIRST = f"""{_LOOK}
  PERFORM pg_sleep(CASE WHEN pg_try_advisory_xact_lock(815) THEN 0.1 ELSE 1 END);"""
_NOTE = "      INSERT INTO engine.outbox"
_RELEASE_TOO = f"""      PERFORM engine.release_rest(p_tenant_id, v_intent.intent_id, 'engine', v_now);
{_NOTE}"""
_INFERRED = "  ELSIF (p_item ->> 'inferred')::boolean THEN"
_DROP_LATE = f"""  ELSIF v_order.status <> 'open' THEN
    RETURN '{{"code": "DUPLICATE"}}';
{_INFERRED}"""
_GAIN = "p_fill.quantity - CASE WHEN p_fill.fee_asset = p_base_asset THEN p_fill.fee_quantity ELSE 0 END"
_NO_EXIT_FEE = "WHEN p_order.kind = 'exit' THEN 0 ELSE v_fee END, NULL,"

SQL_BUGS = (
    Bug(
        "fact_refused_by_token",
        "a confirmation is taken only while its intent is sending",
        "doubt_present",
        both(
            sql(
                "internal/confirm_intents.sql",
                ("WHEN t.intent_id IS NULL THEN", "WHEN t.intent_id IS NULL OR t.state <> 'sending' THEN"),
            ),
            sql(
                "internal/persist_lone.sql",
                ("IN ('sending', 'in_doubt', 'needs_operator')", "= 'sending'"),
            ),
        ),
    ),
    Bug(
        "release_without_token",
        "an answer of a past owner releases",
        "stale_release",
        sql(
            "internal/refuse_intents.sql",
            ("ELSIF v_intent.fencing_token IS DISTINCT FROM", "ELSIF false AND v_intent.fencing_token <>"),
        ),
    ),
    Bug(
        "release_when_in_doubt",
        "an unknown outcome releases the reservation",
        "entry_limit lost_after@2",
        sql(
            "order/fn_mark_in_doubt.sql",
            (_NOTE, _RELEASE_TOO),
        ),
    ),
    Bug(
        "replay_not_found",
        "a key that was used before opens a second intent",
        "entry_limit crash_after@3",
        sql(
            "internal/open_lone_entry.sql",
            ("v_key text := p_item ->> 'idempotency_key';", "v_key text := gen_random_uuid();"),
        ),
    ),
    Bug(
        "select_then_insert",
        "a key is looked for, and claimed later by whoever found it free",
        "same_key_twice",
        both(
            statements("DROP INDEX engine.intents_by_key", "SELECT"),
            sql("internal/open_lone_entry.sql", (_LOOK, _SELECT_FIRST)),
        ),
    ),
    Bug(
        "fill_without_symbol",
        "a fill is known by its exchange's ids alone, whatever its symbol",
        "two_symbols",
        both(
            sql(
                "internal/book_fill.sql",
                (
                    "AND account_id = v_order.account_id AND symbol = v_order.symbol\n",
                    "AND account_id = v_order.account_id\n",
                ),
            ),
            sql("internal/persist_lone.sql", ("AND o.symbol = i.symbol AND", "AND")),
        ),
    ),
    Bug(
        "fee_booked_twice",
        "a buy's fee is booked twice",
        "entry_limit",
        both(
            sql(
                "internal/book_entry_fill.sql",
                (
                    "v_value numeric := coalesce(p_fill.fee_value, 0);",
                    "v_value numeric := 2 * coalesce(p_fill.fee_value, 0);",
                ),
            ),
            sql(
                "internal/plain_fills.sql",
                ("THEN round(v_fee * v_price, 18)", "THEN 2 * round(v_fee * v_price, 18)"),
            ),
        ),
    ),
    Bug(
        "base_fee_kept",
        "the position grows by the fee that the exchange kept",
        "entry_limit",
        sql(
            "internal/fill_gain.sql",
            (_GAIN, "p_fill.quantity"),
        ),
    ),
    Bug(
        "released_per_fill",
        "the first fill releases the whole reservation",
        "bid_and_fill",
        both(
            sql(
                "internal/book_entry_fill.sql",
                ("SELECT least(remaining, greatest(v_total, 0)) INTO v_paid", "SELECT remaining INTO v_paid"),
            ),
            sql("internal/book_plain_fill.sql", ("CASE WHEN v_complete THEN 0 ELSE v_rest END", "0")),
        ),
    ),
    Bug(
        "entry_over_entry",
        "a second entry does not wait for the first one's proof",
        "second_entry",
        statements("DROP INDEX engine.intents_entry_lock", "SELECT"),
    ),
    Bug(
        "sold_twice",
        "an exit does not see what other exits have reserved",
        "second_exit",
        sql(
            "internal/judge_exits.sql",
            (
                "coalesce(v_position.quantity - v_position.reserved_quantity, 0)",
                "coalesce(v_position.quantity, 0)",
            ),
        ),
    ),
    Bug(
        "allocated_beyond_account",
        "profiles are given more than the account has",
        "allocate_too_much",
        sql(
            "capital/move_capital.sql",
            ("p_type = 'allocate' AND v_unassigned < p_amount", "false AND v_unassigned < p_amount"),
        ),
    ),
    Bug(
        "allocated_twice",
        "an operator who repeats a lost call moves the capital again",
        "allocate lost_after@0",
        sql(
            "capital/operator_key.sql",
            ("RETURN 'operator:' || p_key;", "RETURN 'operator:' || p_key || gen_random_uuid();"),
        ),
    ),
    Bug(
        "ended_before_fills",
        "an order's end releases although fills are missing",
        "cancel_partly_filled lost_before@2",
        sql("internal/report_end.sql", ("ELSIF v_filled > v_order.booked_quantity THEN", "ELSIF false THEN")),
    ),
    Bug(
        "late_fill_dropped",
        "a fill of an order that has ended is not booked",
        "fill_after_cancel",
        sql(
            "internal/book_fill.sql",
            (_INFERRED, _DROP_LATE),
        ),
    ),
    Bug(
        "fact_refused_by_invariant",
        "a fill that breaks the invariant does not halt, so that it cannot be booked",
        "late_fill_uncovered",
        sql(
            "internal/post_capital.sql",
            ("mode = CASE WHEN available + p_available < 0 THEN 'halted' ELSE mode END,", "mode = mode,"),
        ),
    ),
    Bug(
        "lease_given_away",
        "a lease that another holds is given to whoever asks",
        "lease_takeover",
        sql(
            "lease/fn_take_lease.sql",
            ("IF v_lease.expires_at > v_now AND v_lease.holder <> p_holder THEN", "IF false THEN"),
            ("IF v_live AND v_lease.holder <> p_holder THEN", "IF false THEN"),
        ),
    ),
    Bug(
        "past_holder_listened_to",
        "a holder whose lease was taken over may still conclude",
        "stale_lease",
        sql(
            "lease/require_lease.sql",
            (
                "v_lease.fencing_token IS DISTINCT FROM p_fencing_token\n     OR v_lease.expires_at <= p_now",
                "false",
            ),
        ),
    ),
    Bug(
        "absent_by_one_read",
        "one read that shows nothing proves absence",
        "doubt_stale",
        sql(
            "resolve/judge_absence.sql",
            (
                "    OR NOT EXISTS (SELECT FROM engine.proofs",
                "    OR false AND NOT EXISTS (SELECT FROM engine.proofs",
            ),
        ),
    ),
    Bug(
        "inferred_and_real",
        "a real trade does not take the place of an inferred fill",
        "heal_inferred",
        sql(
            "internal/book_fill.sql",
            ("IF v_order.inferred_quantity > 0 AND NOT v_fill.inferred THEN", "IF false THEN"),
        ),
    ),
    Bug(
        "half_of_the_rest",
        "an ended order gives back half of what is left of its reservation",
        "cancel",
        sql(
            "internal/release_rest.sql",
            (
                "p_actor, NULL, NULL, v_spec_version, NULL, p_now, v_rest, -v_rest,",
                "p_actor, NULL, NULL, v_spec_version, NULL, p_now, v_rest / 2, -v_rest / 2,",
            ),
        ),
    ),
    Bug(
        "exit_fee_forgotten",
        "a sell's fee is not taken from the cash",
        "exit_market",
        both(
            sql("internal/book_exit_fill.sql", ("fee_value := p_fill.fee_value;", "fee_value := 0;")),
            sql("internal/plain_fills.sql", ("ELSE v_fee END, NULL,", _NO_EXIT_FEE)),
        ),
    ),
)
