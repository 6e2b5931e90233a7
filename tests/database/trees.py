"""A small sql/ folder with one of each kind of object, for tests of deploy and verify."""

from pathlib import Path

MIGRATION = "migrations/20260101000000_things.sql"

SMALL_TREE = {
    MIGRATION: """
        CREATE TABLE engine.things (
          tenant_id uuid NOT NULL, thing_id int NOT NULL, n int NOT NULL CONSTRAINT n_positive CHECK (n > 0),
          PRIMARY KEY (tenant_id, thing_id)
        );
        CREATE INDEX things_by_n ON engine.things (tenant_id, n);
        ALTER TABLE engine.things ENABLE ROW LEVEL SECURITY;
        ALTER TABLE engine.things FORCE ROW LEVEL SECURITY;
        GRANT SELECT ON engine.things TO holdfast_reader;
        GRANT SELECT (tenant_id, thing_id) ON engine.things TO holdfast_scheduler;
        """,
    "functions/room/fn_double.sql": """
        CREATE OR REPLACE FUNCTION engine.fn_double(p_n int) RETURNS int
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$ BEGIN RETURN p_n * 2; END $$;
        REVOKE ALL ON FUNCTION engine.fn_double(int) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION engine.fn_double(int) TO holdfast_engine;
        """,
    "functions/fn_due_things.sql": """
        CREATE OR REPLACE FUNCTION engine.fn_due_things() RETURNS SETOF int
        LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$ SELECT thing_id FROM engine.things $$;
        GRANT EXECUTE ON FUNCTION engine.fn_due_things() TO holdfast_engine;
        """,
    "functions/keep_things.sql": """
        CREATE OR REPLACE FUNCTION engine.keep_things() RETURNS trigger
        LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept'; END $$;
        """,
    "triggers/things_kept.sql": """
        CREATE TRIGGER things_kept BEFORE DELETE ON engine.things
        FOR EACH ROW EXECUTE FUNCTION engine.keep_things();
        """,
    "policies/things_tenant.sql": """
        CREATE POLICY things_tenant ON engine.things TO holdfast_owner, holdfast_reader
        USING (tenant_id = (SELECT current_setting('engine.tenant')::uuid));
        """,
    "views/thing_numbers.sql": """
        CREATE VIEW engine.thing_numbers WITH (security_invoker = true) AS SELECT n FROM engine.things;
        """,
}


def write_tree(folder: Path, files: dict[str, str] | None = None) -> Path:
    """Write the small tree with `files` over it; an empty text leaves a file out."""
    for path, text in {**SMALL_TREE, **(files or {})}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if text:
            target.write_text(text)
        else:
            target.unlink(missing_ok=True)
    return folder
