"""Which profile of the company holds on a day."""

from __future__ import annotations

from datetime import date

from django.urls import reverse

from accounts.company.models import CompanyDetails, CompanyProfile


def company_on(day: date) -> CompanyDetails:
    """The company as its documents of the day name it. Before the first profile, the first; without any, nameless."""
    # A company changes its name or address a few times in its life: all of them are one small statement.
    rows = list(CompanyProfile.objects.filter(state="published").order_by("valid_from", "pk"))
    held = [row for row in rows if row.valid_from <= day]
    row = held[-1] if held else rows[0] if rows else None
    if row is None:
        return CompanyDetails()
    return CompanyDetails(
        name=row.name,
        address=row.address,
        registration_number=row.registration_number,
        tax_number=row.tax_number,
        bank_account=row.bank_account,
        questions=tuple(row.questions.splitlines()),
        cancellations=tuple(row.cancellations.splitlines()),
        logo_id=row.logo_id,
    )


def logo_url(logo_id: int | None) -> str:
    """Where everybody sees the logo, or "" for none."""
    return "" if logo_id is None else reverse("public:logo", args=(logo_id,))
