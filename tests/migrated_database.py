"""A migrated SQLite database kept for the next run: each run and each parallel worker copies it instead of migrating.

It is named after everything that could make it another: migrations, settings, versions of what runs them.
"""

import fcntl
import hashlib
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import IO, Self

import django

ROOT = Path(__file__).parent.parent
PLACE = ROOT / "var" / "test-databases"
KEPT = 3


def template_path() -> Path:
    """Where the migrated database of this very code lies, whether it exists or not."""
    digest = hashlib.sha256(f"{sys.version} {django.__version__} {sqlite3.sqlite_version}".encode())
    # Models alone make no other database: what they change is in a migration, or a test misses it.
    sources = [*ROOT.glob("*/migrations/*.py"), ROOT / "requirements.txt", ROOT / "config" / "settings.py"]
    for path in sorted(sources):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return PLACE / f"{digest.hexdigest()[:24]}.sqlite3"


class MigratedDatabase:
    """The test database of one process, in a ``with`` statement; afterwards its file is gone.

    Where no kept one fits, one process migrates and the others wait for it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._template = template_path()
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        PLACE.mkdir(parents=True, exist_ok=True)
        if not self._template.exists():
            self._lock = (PLACE / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        if self._template.exists():
            self._unlock()
            shutil.copyfile(self._template, self._path)
        return self

    def keep(self) -> None:
        """The database is migrated now: keep a copy if this process was the one to migrate it."""
        if self._lock is None:
            return
        unfinished = self._template.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._path)) as source, closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy)
        unfinished.rename(self._template)
        by_age = sorted(PLACE.glob("*.sqlite3"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in by_age[KEPT:]:
            path.unlink(missing_ok=True)
        self._unlock()

    def __exit__(self, *_: object) -> None:
        self._unlock()
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None
