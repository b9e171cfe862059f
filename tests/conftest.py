"""What every test gets; tests/settings.py chooses the database."""

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

# The same examples on every machine: a failure is a change of ours, and it comes back when looked for. Few of them
# where everybody waits; the many are among the slow tests.
hypothesis_settings.register_profile("usual", derandomize=True, deadline=None, max_examples=40)
hypothesis_settings.register_profile("slow", derandomize=True, deadline=None, max_examples=1000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")


def pytest_configure(config: pytest.Config) -> None:
    set_hypothesis_home_dir(TESTS.parent / ".hypothesis")
    hypothesis_settings.load_profile("slow" if config.getoption("--slow") else "usual")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(TESTS / "browser"):
            item.add_marker(pytest.mark.browser)
    # Playwright leaves an event loop in the thread of the tests (browser/conftest.py): nothing comes after.
    items.sort(key=_is_browser_test)
    if connection.vendor != "sqlite":
        _deselect(config, items, [item for item in items if item.get_closest_marker("sqlite")])
    if not config.getoption("--slow"):
        _deselect(config, items, [item for item in items if item.get_closest_marker("slow")])


def _is_browser_test(item: pytest.Item) -> bool:
    return item.get_closest_marker("browser") is not None


def _deselect(config: pytest.Config, items: list[pytest.Item], unwanted: Sequence[pytest.Item]) -> None:
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = [item for item in items if item not in unwanted]


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
