"""Two tenants, on 18 and on 15."""

from tests.sql.capital.conftest import world

__all__ = ["world"]
