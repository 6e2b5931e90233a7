-- A profile is compared with its exchange, and watched, by its own open orders: with sixteen profiles on an account,
-- finding them among all of the account's cost sixteen times as much.
DROP INDEX engine.orders_open;
CREATE INDEX orders_open ON engine.orders (tenant_id, account_id, profile_id, symbol) WHERE status = 'open';
