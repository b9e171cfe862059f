"""How fast the pages that people work on are, beside the stock admin's on the same rows; what they ask and send.

Run by ``./dev bench``. The demonstration company is copied until it has 100,000 complaints. Each round asks for every
page and its yardstick in turn; the median counts, and the ratio of the two medians of one run is what is compared with
the target. Queries are counted at both sizes. Nothing here is asserted: it prints tables and writes JSON.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
sys.path.insert(0, str(ROOT))
django.setup()

from django.conf import settings
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Count
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from accounts.customers.models import Customer
from accounts.staff.models import User
from benchmarks._clones import WithoutTriggers, clone, tidy
from benchmarks.billing_run import show
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund

COMPLAINTS, COMPLAINTS_SMALL = 100_000, 5_000
#: Files with open work are copied this much less often: most cases of an office are closed.
CLOSED_FOR_ONE_OPEN = 20
MOST_QUERIES, MOST_HTML, MOST_ASSETS = 15, 100_000, 150_000
_LINKED = re.compile(r'(?:href|src)="/?static/([^"?#]+\.(?:css|js|svg|woff2))')


def fill(size: int) -> None:
    """About so many complaints."""
    at_work = set(Complaint.objects.open().values_list("customer_id", flat=True))
    at_work |= set(Refund.objects.open().values_list("customer_id", flat=True))
    done = set(Complaint.objects.values_list("customer_id", flat=True)) - at_work
    few, many = (Complaint.objects.filter(customer_id__in=some).count() for some in (at_work, done))
    copies = round((size - few - many) / (many + few / CLOSED_FOR_ONE_OPEN))
    with WithoutTriggers(), transaction.atomic():
        clone(sorted(done), copies)
        clone(sorted(at_work), copies // CLOSED_FOR_ONE_OPEN)
    tidy()


class Pages:
    """The pages, each with the address of its yardsticks, for one signed-in person."""

    def __init__(self) -> None:
        self.manager = _signed_in("manager")
        self.agent = _signed_in("agent")
        ours = Complaint.objects.filter(customer__lt=1_000_000)
        case = ours.filter(state="in_review").annotate(size=Count("messages")).latest("size", "pk")
        customer = (
            Customer.objects.filter(pk__lt=1_000_000)
            .annotate(size=Count("complaints", distinct=True) + Count("subscriptions", distinct=True))
            .latest("size", "pk")
        )
        refund = Refund.objects.filter(pk__lt=1_000_000, state="proposed").latest("pk")
        complaint_page = f"complaints/complaint/{case.pk}/change/"
        self.change = {
            "home": (self.agent, "/", complaint_page),
            "complaint workspace": (self.agent, f"/{complaint_page}", complaint_page),
            "customer page": (
                self.agent, f"/accounts/customer/{customer.pk}/change/", f"accounts/customer/{customer.pk}/change/",
            ),
            "approvals inbox": (
                self.manager, "/complaints/refund/inbox/", f"complaints/refund/{refund.pk}/change/",
            ),
        }  # fmt: skip
        self.lists = {
            "complaints, 100 rows": (self.manager, "/complaints/complaint/", "complaints/complaint/"),
            "customers, 100 rows": (self.manager, "/accounts/customer/", "accounts/customer/"),
        }

    def queries(self) -> dict[str, int]:
        found = {}
        for name, (client, url, _) in {**self.change, **self.lists}.items():
            fetch(client, url)
            with CaptureQueriesContext(connection) as captured:
                fetch(client, url)
            found[name] = len(captured)
        return found


def _signed_in(username: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username), backend="accounts.staff.auth.StaffBackend")
    return client


def fetch(client: Client, url: str) -> bytes:
    response = client.get(url)
    if response.status_code != 200:
        raise SystemExit(f"{url} answers {response.status_code}")
    return b"".join(response) if response.streaming else response.content


def timed(client: Client, url: str) -> float:
    start = time.perf_counter()
    fetch(client, url)
    return time.perf_counter() - start


def compare(pages: Pages, rounds: int) -> list[dict[str, Any]]:
    """One row per page and yardstick."""
    jobs: list[tuple[str, Client, str, str, str, str, float | None]] = []
    for name, (client, url, stock) in pages.change.items():
        jobs.append((name, client, url, "stock change page, inlines", f"/stock/{stock}", "at most 1x", 1.0))
        jobs.append((name, client, url, "stock change page, row alone", f"/bare/{stock}", "-", None))
    for name, (client, url, stock) in pages.lists.items():
        jobs.append((name, client, url, "stock list", f"/stock/{stock}", "at most 0.5x", 0.5))
    taken: dict[str, list[float]] = {}
    asked = {(client, url) for _, client, url, *_ in jobs} | {(client, url) for _, client, _, _, url, *_ in jobs}
    order: list[tuple[Client, str]] = sorted(asked, key=lambda one: one[1])
    for client, url in order:
        fetch(client, url)
    for _ in range(rounds):
        for client, url in order:
            taken.setdefault(url, []).append(timed(client, url))
    medians = {url: statistics.median(times) for url, times in taken.items()}
    return [
        {
            "what": name,
            "database": connection.vendor,
            "yardstick": yardstick,
            "median_ms": round(medians[url] * 1000, 1),
            "yardstick_ms": round(medians[stock] * 1000, 1),
            "ratio": round(medians[url] / medians[stock], 2),
            "target": target,
            "met": "-" if limit is None else medians[url] / medians[stock] <= limit,
        }
        for name, _, url, yardstick, stock, target, limit in jobs
    ]


def assets_of(html: str) -> int:
    """Bytes of everything that a page links, each compressed."""
    total = 0
    for name in sorted(set(_LINKED.findall(html))):
        place = finders.find(name)
        if place is None:
            raise SystemExit(f"{name} is linked and not there")
        total += len(_gzip(Path(place).read_bytes()))
    return total


def _gzip(content: bytes) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(content)
    return packed.getvalue()


def weigh(pages: Pages, few: dict[str, int], many: dict[str, int]) -> list[dict[str, Any]]:
    """Queries, HTML and assets of each page."""
    rows = []
    for name, (client, url, _) in {**pages.change, **pages.lists}.items():
        html = fetch(client, url)
        assets = assets_of(html.decode())
        limited = name in pages.change
        rows.append(
            {
                "what": name,
                "database": connection.vendor,
                "queries_small": few[name],
                "queries": many[name],
                "html_bytes": len(html),
                "html_gzip": len(_gzip(html)),
                "assets_gzip": assets,
                "target": f"{MOST_QUERIES if limited else 'constant'} queries, 100 kB, 150 kB",
                "met": many[name] <= (MOST_QUERIES if limited else few[name])
                and many[name] <= few[name]
                and len(html) < MOST_HTML
                and assets < MOST_ASSETS,
            }
        )
    return rows


def show_weights(rows: list[dict[str, Any]]) -> None:
    heads = ("what", "queries_small", "queries", "html_bytes", "html_gzip", "assets_gzip", "met")
    show_table(heads, rows)


def show_table(heads: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    lines = [heads, *([str(row[head]) for head in heads] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    for line in lines:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n")


def stock_templates(ours: dict[str, Any]) -> dict[str, Any]:
    """The template engine of the yardstick: Django's own templates without ours before them."""
    return {**ours, "NAME": "stock", "DIRS": []}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("--small", action="store_true", help="5,000 complaints, for a quick look")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--filled", action="store_true", help="the database is filled already: measure again")
    options = parser.parse_args()
    size = COMPLAINTS_SMALL if options.small or connection.vendor == "sqlite" else COMPLAINTS
    if not options.filled:
        call_command("migrate", verbosity=0)
        call_command("seed_demo", "--if-empty", stdout=io.StringIO())
    for model in (Complaint, Customer):
        type(admin.site.get_model_admin(model)).list_per_page = 100
    # Without the log of queries that development keeps.
    settings.ROOT_URLCONF = "benchmarks._stock_admin"
    templates = [*settings.TEMPLATES, stock_templates(settings.TEMPLATES[0])]
    with override_settings(DEBUG=False, ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False, TEMPLATES=templates):
        pages = Pages()
        few = pages.queries()
        if not options.filled:
            fill(size)
        many = pages.queries()
        results = compare(pages, options.rounds)
        weights = weigh(pages, few, many)
    sys.stdout.write(f"{Complaint.objects.count()} complaints, {Customer.objects.count()} customers\n")
    show(results)
    sys.stdout.write("\n")
    show_weights(weights)
    place = ROOT / "var" / f"bench-pages-{connection.vendor}.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps({"times": results, "weights": weights}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
