"""A PostgreSQL cluster that lives as long as one command.

``python tests/postgres_cluster.py COMMAND ...`` makes a cluster from the installed binaries, runs the
command with ``TEST_DATABASE_URL`` naming it, and exits with its status. The cluster listens on a Unix
socket in its own folder only, so no port is taken and nobody else reaches it. It is removed in every
case, also when this process is killed: a keeper, a second process, removes it as soon as its pipe from
here closes.
"""

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

OLDEST_VERSION = 15
USER = "redress"
# Every cluster has this one; the tests make theirs beside it.
DATABASE = "postgres"
# Socket paths are limited to about 100 bytes, and nobody else may enter root's folders: no TMPDIR.
TEMPORARY_FOLDER = Path("/tmp")  # noqa: S108
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
# The data is thrown away: losing it in a crash is no loss.
SERVER_OPTIONS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=",
    "max_connections=60",
    "shared_buffers=128MB",
    "max_wal_size=2GB",
    "checkpoint_timeout=30min",
    "timezone=UTC",
)


class ClusterError(Exception):
    """No cluster could be made; the message says why and what to do."""


def find_binaries() -> Path:
    """The folder with the newest PostgreSQL server of version 15 or later.

    Raises ClusterError when there is none.
    """
    folders = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep) if place]
    if pg_config := shutil.which("pg_config"):
        with contextlib.suppress(subprocess.CalledProcessError):
            folders.append(Path(subprocess.check_output([pg_config, "--bindir"], text=True).strip()))  # noqa: S603
    for place in PLACES:
        folders.extend(Path("/").glob(place.lstrip("/")))
    # Resolved: a server finds its files beside itself, not beside a link to it.
    folders = [(folder / "postgres").resolve().parent for folder in folders if os.access(folder / "postgres", os.X_OK)]
    versions = {folder: _version(folder) for folder in folders if os.access(folder / "initdb", os.X_OK)}
    usable = {folder: version for folder, version in versions.items() if version >= OLDEST_VERSION}
    if not usable:
        raise ClusterError(
            f"no PostgreSQL server of version {OLDEST_VERSION} or later is installed "
            "(Debian: apt-get install postgresql); install one or set TEST_DATABASE_URL"
        )
    return max(usable, key=lambda folder: usable[folder])


def _version(binaries: Path) -> int:
    """The major version of a server, 0 when it cannot be asked."""
    try:
        answer = subprocess.check_output([binaries / "postgres", "--version"], text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"\b(\d+)", answer)
    return int(found[1]) if found else 0


def _run(command: Sequence[str | Path], *, folder: Path) -> None:
    """Run a server command as the owner of ``folder``: PostgreSQL refuses to run as root."""
    owner = folder.stat()
    as_root = os.geteuid() == 0
    done = subprocess.run(  # noqa: S603
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        user=owner.st_uid if as_root else None,
        group=owner.st_gid if as_root else None,
        extra_groups=() if as_root else None,
    )
    if done.returncode:
        log = folder / "log"
        raise ClusterError(f"{Path(command[0]).name} failed:\n{done.stdout}{log.read_text() if log.exists() else ''}")


def _start(binaries: Path, folder: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    data = folder / "data"
    _run(
        [
            binaries / "initdb",
            f"--pgdata={data}",
            f"--username={USER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ],
        folder=folder,
    )
    options = " ".join(f"-c {option}" for option in (*SERVER_OPTIONS, f"unix_socket_directories={folder}"))
    # The server keeps what it is given as output: a file, so that nobody waits for the end of a pipe.
    start: list[str | Path] = [
        binaries / "pg_ctl",
        "start",
        "--wait",
        f"--pgdata={data}",
        f"--log={folder / 'log'}",
        f"--options={options}",
    ]
    _run(start, folder=folder)


def _remove_when_pipe_closes(binaries: Path, folder: Path) -> None:
    """The keeper's work: wait until the other end of standard input is gone, then leave nothing behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    data = folder / "data"
    if (data / "postmaster.pid").exists():
        with contextlib.suppress(ClusterError):
            _run([binaries / "pg_ctl", "stop", "--mode=immediate", "--wait", f"--pgdata={data}"], folder=folder)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def throw_away_cluster() -> Iterator[str]:
    """A running cluster; the value is the URL of a database in it.

    Raises ClusterError when the server is not installed or does not start.
    """
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="redress-postgres-", dir=TEMPORARY_FOLDER))
    keeper = subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", __file__, "--keep", binaries, folder],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _start(binaries, folder)
        yield f"postgres://{USER}@/{DATABASE}?host={folder}"
    finally:
        keeper.communicate()


def run_with_cluster(command: Sequence[str]) -> int:
    """Run a command beside a cluster; returns its exit status, 128 + n if signal n ended it."""
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if child is None:
            raise SystemExit(128 + number)
        # The terminal sends Ctrl-C to the command as well; the other signals come to this process alone.
        if number != signal.SIGINT:
            child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    with throw_away_cluster() as url:
        child = subprocess.Popen(command, env={**os.environ, "TEST_DATABASE_URL": url})  # noqa: S603
        status = child.wait()
    return status if status >= 0 else 128 - status


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case ["--keep", binaries, folder]:
            _remove_when_pipe_closes(Path(binaries), Path(folder))
            return 0
        case [_, *_]:
            try:
                return run_with_cluster(arguments)
            except ClusterError as error:
                sys.stderr.write(f"{error}\n")
                return 1
        case _:
            sys.stderr.write("Usage: python tests/postgres_cluster.py COMMAND ...\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
