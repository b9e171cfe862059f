"""What every test gets; tests/settings.py chooses the database."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from hypothesis import settings as hypothesis_settings
from hypothesis.configuration import set_hypothesis_home_dir
from pytest_django import DjangoDbBlocker

from tests.migrated_database import MigratedDatabase
from tests.pristine_database import PristineDatabase, remember_database

TESTS = Path(__file__).parent
#: What gives a test the database, besides the mark.
DATABASE_FIXTURES = frozenset({"db", "transactional_db", "live_server", "django_db_setup"})

# The same examples on every machine: a failure is a change of ours, and it comes back when looked for. Few of them
# where everybody waits; the many are among the slow tests.
hypothesis_settings.register_profile("usual", derandomize=True, deadline=None, max_examples=40)
hypothesis_settings.register_profile("slow", derandomize=True, deadline=None, max_examples=1000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")
    parser.addoption(
        "--only-database",
        action="store_true",
        help="leave out tests that never ask the database, and the browser's but for those marked on_each_database: "
        "for the second database, after everything ran on the first",
    )


def pytest_configure(config: pytest.Config) -> None:
    set_hypothesis_home_dir(TESTS.parent / ".hypothesis")
    hypothesis_settings.load_profile("slow" if config.getoption("--slow") else "usual")
    # Modules and settings stay; looking through them for garbage again and again is a tenth of the time.
    gc.set_threshold(50_000, 20, 20)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # As texts: of thousands of tests, comparing paths would be a good part of the collection.
    of_browser = f"{TESTS / 'browser'}/"
    for item in items:
        if str(item.path).startswith(of_browser):
            item.add_marker(pytest.mark.browser)
    # Playwright leaves an event loop in the thread of the tests (browser/conftest.py): nothing comes after.
    items.sort(key=_is_browser_test)
    if connection.vendor != "sqlite":
        _deselect(config, items, [item for item in items if item.get_closest_marker("sqlite")])
    if not config.getoption("--slow"):
        _deselect(config, items, [item for item in items if item.get_closest_marker("slow")])
    if config.getoption("--only-database"):
        _deselect(config, items, [item for item in items if not _may_differ_by_database(item)])


def _is_browser_test(item: pytest.Item) -> bool:
    return item.get_closest_marker("browser") is not None


def _may_differ_by_database(item: pytest.Item) -> bool:
    """Whether another database could give another result. A test that does not ask for the database is refused it by
    pytest-django. What a browser makes of a page depends on the page alone, and the pages are asked for on each
    database by tests without a browser.
    """
    if _is_browser_test(item):
        return item.get_closest_marker("on_each_database") is not None
    names: Sequence[str] = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or not DATABASE_FIXTURES.isdisjoint(names)


def _deselect(config: pytest.Config, items: list[pytest.Item], unwanted: Sequence[pytest.Item]) -> None:
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        gone = set(unwanted)
        items[:] = [item for item in items if item not in gone]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("postgresql") and connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: ./dev test --postgres")


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """On SQLite the database is a copy that was migrated already; this file removes it."""
    return connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> Iterator[MigratedDatabase | None]:
    """After the name of the database is known and before anything migrates it."""
    if connection.vendor != "sqlite":
        yield None
        return
    with MigratedDatabase(Path(connection.settings_dict["TEST"]["NAME"])) as database:
        yield database


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_modify_db_settings: MigratedDatabase | None, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[PristineDatabase]:
    """The test database; tests that commit end with the rows of its migrations, not with empty tables."""
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            if django_db_modify_db_settings is not None:
                django_db_modify_db_settings.keep()
                stack.callback(connection.close)
            pristine = stack.enter_context(remember_database())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: pristine.restore())
        yield pristine


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Whatever a request of another test spoke: outside a request, the product's own language is spoken."""
    translation.deactivate()
    yield
    translation.deactivate()
