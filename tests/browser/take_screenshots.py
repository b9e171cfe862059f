"""Pictures of the main pages, for the README and the guide: ``./dev shots``.

A demonstration company of its own is made in a folder that is thrown away, served, and visited by its people.
``--folder``, ``--scheme dark``, ``--width 390`` and ``--only NAME`` are for looking at pages while they change;
``--database FILE`` keeps the company for the next time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

#: What most screens show of a page at once.
HEIGHT = 860
#: For pages whose point stands further down.
TALL = 1180
#: Flat areas and text need no more; a picture takes a third of the room so.
COLOURS = 256
PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: who looks at which page, and what they do there first."""

    name: str
    person: str  # "" for everybody: not signed in
    url: str
    prepare: Callable[[Page], object] = lambda page: None
    height: int = HEIGHT


# --- The company --------------------------------------------------------------------------------


def make_company(database: Path) -> None:
    """The demonstration company in an SQLite file, with what is made only while somebody works with it."""
    import django

    made = database.exists()
    os.environ.update(
        DEBUG="True",
        DATABASE_URL=f"sqlite:///{database}",
        ATTACHMENTS_DIR=str(database.with_suffix(".attachments")),
        DJANGO_SETTINGS_MODULE="config.settings",
        DJANGO_ALLOW_ASYNC_UNSAFE="true",  # Playwright's loop counts as running here; no query is made from a coroutine
    )
    django.setup()
    if made:
        return
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("seed_demo")
    _work_a_little()


def _work_a_little() -> None:
    """Views kept by name, a draft policy and its back-test."""
    from datetime import timedelta

    from django.utils import timezone

    from accounts.staff.models import User
    from backoffice.exports import save_view
    from complaints.back_tests.actions import start_back_test
    from jobs.runner import run_job
    from policies.versions.actions import draft_policy_version
    from policies.versions.models import PolicyVersion

    people = {user.username: user for user in User.objects.exclude(role=None)}
    today = timezone.localdate()
    lists = "complaints.complaint"
    save_view(by=people["lead"], page=lists, name="Disputed bills", query="category__exact=billing", shared=True)
    save_view(by=people["agent"], page=lists, name="Decided, not told", query="state__exact=decided", shared=False)
    refund = PolicyVersion.objects.filter(policy__kind="refund").order_by("-number")[0]
    draft = draft_policy_version(
        refund.policy_id,
        by=people["manager"],
        effective_from=today + timedelta(days=30),
        text=refund.text.replace("14 days", "10 days"),
        parameters={**refund.parameters, "decide_within_days": 10, "as_of_day_counts": False},
    )
    back_test = start_back_test(draft.pk, by=people["manager"], months=6)
    run_job.call(back_test.job_id)


# --- The pictures -------------------------------------------------------------------------------


def pictures() -> Sequence[Picture]:
    """Which pages are shown, in the order of the guide."""
    from django.db.models import Count

    from accounts.customers.models import Customer
    from billing.runs.models import BillingRun
    from complaints.back_tests.models import BackTest
    from complaints.cases.models import Complaint
    from complaints.refunds.models import Refund
    from policies.versions.models import PolicyVersion

    case = (
        Complaint.objects.filter(state=Complaint.State.IN_REVIEW, category="quality", refunds=None)
        .exclude(subscription__plan__kind="software")
        .order_by("-pk")[0]
    )
    customer = (
        Customer.objects.filter(purchases__owned_on=None, complaints__refunds__state=Refund.State.SETTLED)
        .annotate(cases=Count("complaints", distinct=True))
        .order_by("-cases", "pk")[0]
    )
    settled = Refund.objects.filter(state=Refund.State.SETTLED, basis="usage").order_by("-total")[0]
    first, *_, last = PolicyVersion.objects.filter(policy__kind="refund").order_by("number")
    run = BillingRun.objects.order_by("-opened", "-pk")[0]
    back_test = BackTest.objects.latest("pk")
    return (
        Picture("home", "manager", "/"),
        Picture("case", "agent", f"/complaints/complaint/{case.pk}/change/", height=TALL),
        Picture("inbox", "manager", "/complaints/refund/inbox/", _open_first_proposal),
        Picture("customer", "agent", f"/accounts/customer/{customer.pk}/change/", height=TALL),
        Picture("complaints", "agent", "/complaints/complaint/", _open_views),
        Picture("search", "agent", "/", _search),
        Picture("refund", "auditor", f"/complaints/refund/{settled.pk}/change/"),
        Picture("audit", "auditor", "/audit/event/"),
        Picture("policy-comparison", "manager2", f"/policies/policyversion/{first.pk}/compare/{last.pk}/"),
        Picture("back-test", "manager", f"/complaints/backtest/{back_test.pk}/change/"),
        Picture("messages", "agent", "/messaging/outgoingmessage/"),
        Picture("billing-run", "billing", f"/billing/billingrun/{run.pk}/change/"),
        Picture("invoices", "billing", "/billing/invoice/"),
        Picture("limits", "admin", "/accounts/approvallimit/"),
        Picture("jobs", "manager", "/jobs/job/"),
        Picture("policy", "", "/policy/"),
    )


def _open_first_proposal(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".inbox-line.open .quote").first).to_be_visible()


def _open_views(page: Page) -> None:
    page.locator("details.views > summary").click()


def _search(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("bak", delay=20)
    expect(page.get_by_role("option").first).to_be_visible()


def take(pictures: Sequence[Picture], base_url: str, folder: Path, *, scheme: str, width: int) -> None:
    """Each picture as a PNG in the folder.

    Raises:
        playwright.sync_api.Error: a page does not come or does not hold what its picture is about.
    """
    from tests.browser.conftest import CHROMIUM_ARGUMENTS, CHROMIUM_NAMES

    chromium = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if chromium is None:
        raise SystemExit("Chromium is not installed (Debian: apt-get install chromium)")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_ARGUMENTS, "--lang=en-GB"])
        pages: dict[str, Page] = {}
        for picture in pictures:
            page = pages.get(picture.person) or _page_of(browser, picture.person, base_url, scheme, width)
            pages[picture.person] = page
            page.set_viewport_size({"width": width, "height": picture.height})
            page.goto(picture.url, wait_until="load")
            picture.prepare(page)
            page.wait_for_load_state("networkidle")
            _save(page.screenshot(full_page=width < 800), folder / f"{picture.name}.png")
            sys.stdout.write(f"{picture.name}.png\n")
        browser.close()


def _page_of(browser: Browser, person: str, base_url: str, scheme: str, width: int) -> Page:
    """A window of one person, signed in."""
    from demo.staff import PASSWORD

    context = browser.new_context(
        base_url=base_url,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": HEIGHT},
        locale="en-GB",
        timezone_id="Europe/Rome",
        reduced_motion="reduce",
    )
    page = context.new_page()
    if person:
        page.goto("/")
        page.get_by_label("Username").fill(person)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="My work")).to_be_visible()
    return page


def _save(png: bytes, target: Path) -> None:
    with Image.open(BytesIO(png)) as picture:
        picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            target, optimize=True
        )


# --- The server ---------------------------------------------------------------------------------


@contextmanager
def served() -> Iterator[str]:
    """The company at an address of this machine, as long as the block lasts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    address = f"127.0.0.1:{port}"
    command = [sys.executable, str(ROOT / "manage.py"), "runserver", "--noreload", address]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait_for(port, server)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev shots", description="Take the pictures of the main pages.")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this picture alone (repeatable)")
    parser.add_argument("--database", type=Path, help="an SQLite file with the company, made if it is not there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        make_company((options.database or Path(temporary) / "company.sqlite3").resolve())
        wanted = [picture for picture in pictures() if not options.only or picture.name in options.only]
        with served() as base_url:
            take(wanted, base_url, options.folder, scheme=options.scheme, width=options.width)


if __name__ == "__main__":
    main()
