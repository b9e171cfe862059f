"""Pages in the Chromium of the system, watched: whatever a page complains about fails the test.

A test takes ``page``, or ``new_context`` for several people at once; addresses are relative to the live
server.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Playwright, WebError, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.company import copied_company
from tests.every_page import Visitors

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--lang=en-US",
    # A page that asks for anything elsewhere gets an error, which fails the test.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
PATIENCE_MILLISECONDS = 15_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)

# Reported as they happen: not every violation of the policy reaches the console.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  window.reportPolicyViolation(
    `${event.effectiveDirective} forbids ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`);
});
"""


#: What htmx reports when a page is left while it still asks for something: the browser ends the request. Every other
#: failure has a report of its own besides (``htmx:sendError``, ``htmx:responseError``).
LEFT_BEFORE_THE_ANSWER = ("htmx:sendAbort", "htmx:afterRequest")


class PageProblems:
    """What the pages of one test complained about.

    Console errors and warnings, uncaught errors, violations of the content security policy.
    """

    def __init__(self) -> None:
        self.found: list[str] = []
        self._expected: list[str] = []

    def expect(self, part: str) -> None:
        """A problem that contains ``part`` belongs to the test: it has to occur, and is not counted."""
        self._expected.append(part)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.expose_binding("reportPolicyViolation", self._on_violation)
        context.add_init_script(REPORT_VIOLATIONS)

    def check(self) -> None:
        """Raise AssertionError unless exactly the expected problems occurred."""
        unexpected = [problem for problem in self.found if not any(part in problem for part in self._expected)]
        missing = [part for part in self._expected if not any(part in problem for problem in self.found)]
        assert not unexpected, "the pages complained:\n" + "\n".join(unexpected)
        assert not missing, f"these problems were expected and did not occur: {missing}"

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(LEFT_BEFORE_THE_ANSWER):
            where = message.location
            self.found.append(f"console {message.type}: {message.text} ({where['url']}:{where['lineNumber']})")

    def _on_error(self, error: WebError) -> None:
        self.found.append(f"uncaught error: {error.error}")

    def _on_violation(self, source: dict[str, Any], description: str) -> None:
        self.found.append(f"content security policy: {description} ({source['page'].url})")


def _find_chromium() -> str:
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    reason = "Chromium is not installed (Debian: apt-get install chromium)"
    if os.environ.get("REDRESS_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": _find_chromium(), "args": CHROMIUM_ARGUMENTS}


@pytest.fixture(scope="session")
def playwright(browser_type_launch_args: dict[str, Any], playwright: Playwright) -> Playwright:
    # Playwright's event loop counts as running in this thread from here on, so Django would refuse every
    # query of the tests as made from a coroutine. None is. The browser's tests run last (tests/conftest.py);
    # this stays until the end, because the database is torn down later than the browser.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    return playwright


@pytest.fixture(scope="session")
def base_url(live_server: LiveServer) -> str:
    return str(live_server.url)


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_context_args,
        "locale": "en-GB",
        "timezone_id": "Europe/Rome",
        "viewport": {"width": 1280, "height": 900},
        "reduced_motion": "reduce",
    }


@pytest.fixture
def page_problems() -> PageProblems:
    return PageProblems()


@pytest.fixture
def new_context(
    transactional_db: None, new_context: Callable[..., BrowserContext], page_problems: PageProblems
) -> Iterator[Callable[..., BrowserContext]]:
    opened: list[BrowserContext] = []

    def open_and_watch(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        page_problems.watch(context)
        opened.append(context)
        return context

    yield open_and_watch
    for context in opened:
        for page in context.pages:
            _let_reports_arrive(page)
    page_problems.check()


def _let_reports_arrive(page: Page) -> None:
    """Events are handled only while something is awaited."""
    page.wait_for_timeout(50)


@pytest.fixture(scope="session")
def screenshots_folder() -> Path:
    """Where a test may leave pictures for people to look at; git ignores it."""
    folder = Path(__file__).resolve().parents[2] / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def kept_company(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Where the company is kept: in the folder of the whole run, which its parallel workers share."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if hasattr(request.config, "workerinput") else own) / "every-page.sqlite3"


@pytest.fixture
def visitors(transactional_db: None, kept_company: Path) -> Visitors:
    """The first people of each role in the demonstration company."""
    return copied_company(kept_company)
