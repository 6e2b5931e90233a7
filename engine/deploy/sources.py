"""The sql/ folder as values: which files there are, what each defines, and the hash of all of it."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from engine.domain.errors import ErrorCode, HoldfastError

REPEATABLE = ("functions", "triggers", "policies", "views", "api")
_MIGRATION_NAME = re.compile(r"^\d{14}_[a-z0-9_]+$")
_OBJECT_NAME = re.compile(r"^[a-z_][a-z0-9_]*$")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of sql/; `path` is relative to it, `name` is the object's name (or the migration's)."""

    kind: str
    path: str
    name: str
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SqlTree:
    """All files that a deploy applies, in its order; `test_clock` is the fn_clock that tests may move."""

    roles: SourceFile
    migrations: tuple[SourceFile, ...]
    repeatable: dict[str, tuple[SourceFile, ...]]
    test_clock: SourceFile
    supabase: SourceFile | None  # what a Supabase project's own roles may do

    def files(self) -> tuple[SourceFile, ...]:
        return tuple(file for kind in REPEATABLE for file in self.repeatable[kind])

    def schema_hash(self, *, test_clock: bool = False) -> str:
        """Names the wanted schema: equal files, equal hash, on every server version."""
        digest = hashlib.sha256()
        last = () if self.supabase is None else (self.supabase,)
        for file in (self.roles, *self.migrations, *self.effective(test_clock=test_clock), *last):
            digest.update(f"{file.path}\0{file.sha256}\n".encode())
        return digest.hexdigest()

    def effective(self, *, test_clock: bool) -> tuple[SourceFile, ...]:
        """The repeatable files as deployed, with the movable clock in the place of the real one if wanted."""
        if not test_clock:
            return self.files()
        clock = self.test_clock
        real = tuple(file for file in self.files() if (file.kind, file.name) != ("functions", clock.name))
        return (clock, *real)


def default_sql_dir() -> Path:
    """The sql/ folder that belongs to this code."""
    return Path(__file__).resolve().parents[2] / "sql"


def read_tree(sql_dir: Path | None = None) -> SqlTree:
    """Read and check a sql/ folder; one without roles.sql or movable clock takes those of this code."""
    root = sql_dir or default_sql_dir()
    if not root.is_dir():
        raise HoldfastError(ErrorCode.CONFIGURATION, f"The folder with the SQL files is missing: {root}")
    migrations = tuple(
        _read(root, path, "migrations") for path in sorted((root / "migrations").glob("*.sql"))
    )
    for file in migrations:
        if not _MIGRATION_NAME.match(file.name):
            _refuse(f"{file.path}: a migration is named <14 digits>_<name>.sql")
    _refuse_twins(migrations, {file.path: file.name[:14] for file in migrations})
    repeatable: dict[str, tuple[SourceFile, ...]] = {}
    for kind in REPEATABLE:
        files = tuple(_read(root, path, kind) for path in sorted((root / kind).rglob("*.sql")))
        for file in files:
            if not _OBJECT_NAME.match(file.name):
                _refuse(f"{file.path}: the file's name is the object's name, in small letters")
        _refuse_twins(files, {file.path: file.name for file in files})
        repeatable[kind] = files
    own = default_sql_dir()
    roles = root if (root / "roles.sql").exists() else own
    clock = root if (root / "test_clock" / "fn_clock.sql").exists() else own
    granted = root / "supabase.sql"
    return SqlTree(
        roles=_read(roles, roles / "roles.sql", "roles"),
        migrations=migrations,
        repeatable=repeatable,
        test_clock=_read(clock, clock / "test_clock" / "fn_clock.sql", "functions"),
        supabase=_read(root, granted, "supabase") if granted.exists() else None,
    )


def _read(root: Path, path: Path, kind: str) -> SourceFile:
    text = path.read_text(encoding="utf-8")
    return SourceFile(
        kind, path.relative_to(root).as_posix(), path.stem, text, hashlib.sha256(text.encode()).hexdigest()
    )


def _refuse(message: str) -> None:
    raise HoldfastError(ErrorCode.CONFIGURATION, message)


def _refuse_twins(files: tuple[SourceFile, ...], keys: dict[str, str]) -> None:
    seen: dict[str, str] = {}
    for file in files:
        other = seen.setdefault(keys[file.path], file.path)
        if other != file.path:
            _refuse(f"{file.path} and {other} have one name")
