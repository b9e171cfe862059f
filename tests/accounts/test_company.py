"""The company's profile: drafted by one, published by another, complete or not at all."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, transaction
from django.test import Client
from PIL import Image

from accounts.company.actions import draft_company_profile, draw_logo, publish_company_profile
from accounts.company.facts import company_on
from accounts.company.models import CompanyDetails, CompanyProfile, Logo
from audit.actions import Refused
from core.addresses import Address
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

GENOVA = Address("Via del Molo", "1", "16100", "Genova", "IT")


def terms(**changed: Any) -> dict[str, Any]:
    return {
        "valid_from": factories.today(),
        "name": "Example Telephony",
        "address": GENOVA,
        "registration_number": "REA GE-123456",
        "tax_number": "00743110157",
        "questions": " help@example.com \n\n+39 010 123456",
        "cancellations": "cancel@example.com",
        "bank_account": "IT60X0542811101000000123456",
        **changed,
    }


def picture(kind: str = "PNG", size: tuple[int, int] = (1200, 300)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "teal").save(made, kind)
    return made.getvalue()


def test_one_drafts_and_another_publishes() -> None:
    admin, manager = factories.administrator(), factories.manager()
    draft = draft_company_profile(by=admin, **terms())
    assert company_on(factories.today()) == CompanyDetails()
    assert_refused("permission", publish_company_profile, draft.pk, by=admin)
    assert_refused("permission", draft_company_profile, by=manager, **terms())
    publish_company_profile(draft.pk, by=manager)
    company = company_on(factories.today())
    assert (company.name, company.address, company.tax_number) == ("Example Telephony", GENOVA, "IT00743110157")
    assert company.questions == ("help@example.com", "+39 010 123456")
    assert company.bank_account == "IT60 X054 2811 1010 0000 0123 456"
    again = draft_company_profile(by=admin, **terms(name="Another"))
    assert_refused("date_taken", publish_company_profile, again.pk, by=manager)


def test_each_day_has_its_profile() -> None:
    today = factories.today()
    factories.company_profile(name="Before", valid_from=today - timedelta(days=10))
    factories.company_profile(name="Since", valid_from=today)
    factories.company_profile(name="To come", valid_from=today + timedelta(days=1))
    factories.company_profile(name="A draft", valid_from=today, state="draft")
    names = [company_on(today + timedelta(days=n)).name for n in (-100, -10, -1, 0, 1, 100)]
    assert names == ["Before", "Before", "Before", "Since", "To come", "To come"]


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("postcode", {"address": Address("Via del Molo", "1", "1", "Genova", "IT")}),
        ("incomplete", {"address": Address("Via del Molo", "1", "", "", "IT")}),
        ("incomplete", {"address": Address("Via del Molo", "1", "16100", "Genova", "")}),
        ("tax_number", {"tax_number": "IT123"}),
        ("invalid", {"questions": " \n "}),
        ("invalid", {"registration_number": " "}),
        ("picture", {"logo": b"<svg onload=alert(1)>"}),
        ("picture", {"logo": picture(size=(4001, 10))}),
    ],
)
def test_nothing_incomplete_is_drafted(code: str, changed: dict[str, Any]) -> None:
    assert_refused(code, draft_company_profile, by=factories.administrator(), **terms(**changed))


def test_the_database_holds_no_incomplete_profile() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.company_profile(cancellations="")


def test_a_logo_is_drawn_anew_and_kept_until_it_is_given_up() -> None:
    admin, manager = factories.administrator(), factories.manager()
    first = draft_company_profile(by=admin, **terms(logo=picture("JPEG") + b"<script>alert(1)</script>"))
    assert first.logo is not None
    with Image.open(io.BytesIO(bytes(first.logo.png))) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", (600, 150))
    assert b"script" not in bytes(first.logo.png)
    publish_company_profile(first.pk, by=manager)
    later = terms(valid_from=factories.today() + timedelta(days=1))
    assert draft_company_profile(by=admin, **later).logo == first.logo
    assert draft_company_profile(by=admin, **later, keep_logo=False).logo is None
    draft_company_profile(by=admin, **terms(logo=picture("JPEG")))
    assert Logo.objects.count() == 1


def test_a_picture_that_is_none_says_so() -> None:
    with pytest.raises(Refused, match="PNG or JPEG"):
        draw_logo(b"\x89PNG\r\n\x1a\n" + b"0" * 100)


def test_through_the_pages(client: Client) -> None:
    admin, manager = factories.administrator(), factories.manager()
    client.force_login(admin, backend="accounts.staff.auth.StaffBackend")
    assert b"Company profile missing" in client.get("/").content
    typed = {
        **terms(),
        **{f"address_{part}": getattr(GENOVA, part) for part in ("street", "number", "postcode", "town", "country")},
        "valid_from": factories.today().isoformat(),
        "logo": SimpleUploadedFile("logo.png", picture(), "image/png"),
    }
    del typed["address"]
    wrong = client.post("/accounts/companyprofile/do/draft/", {**typed, "address_postcode": "1"})
    assert "“1” is no postcode of Italy" in wrong.content.decode()
    assert 'value="Via del Molo"' in wrong.content.decode()
    typed["logo"] = SimpleUploadedFile("logo.png", picture(), "image/png")
    assert client.post("/accounts/companyprofile/do/draft/", typed).status_code == 302
    profile = CompanyProfile.objects.get()
    client.force_login(manager, backend="accounts.staff.auth.StaffBackend")
    client.post(f"/accounts/companyprofile/act/publish/?ids={profile.pk}", {"reason": ""})
    assert company_on(factories.today()).logo_id == profile.logo_id
    assert b"Company profile missing" not in client.get("/").content
    assert f"/policy/logo-{profile.logo_id}.png" in client.get(profile_page(profile)).content.decode()


def profile_page(profile: CompanyProfile) -> str:
    return f"/accounts/companyprofile/{profile.pk}/change/"


def test_a_real_sites_check_says_what_is_missing() -> None:
    with pytest.raises(SystemCheckError, match="No company profile is published"):
        call_command("check", "--deploy", "--database", "default", "--tag", "database")
    factories.company_profile()
    call_command("check", "--deploy", "--database", "default", "--tag", "database")
