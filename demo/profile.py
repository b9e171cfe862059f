"""Who the demonstration company is: what its invoices, letters and public pages name."""

from __future__ import annotations

import io

from accounts.company.actions import draft_company_profile, publish_company_profile
from core.addresses import Address
from demo.company import BEGAN, Company


def found(company: Company) -> None:
    """Drafted by the administrator, published by a manager, in force since the company began with the product."""
    profile = draft_company_profile(
        by=company.person("admin"),
        valid_from=company.days.ago(BEGAN),
        name="Lanterna Telefonia S.r.l.",
        address=Address("Via del Molo", "12", "16128", "Genova", "IT"),
        registration_number="REA GE-990001",
        tax_number="IT12345670017",
        bank_account="IT71X0542811101000000998877",
        questions="assistenza@lanterna.example.com\n+39 010 555 0100",
        cancellations="disdette@lanterna.example.com\nhttps://lanterna.example.com/disdetta",
        logo=_logo(),
        reason="As it stands in the register",
    )
    publish_company_profile(profile.pk, by=company.person("manager2"))


def _logo() -> bytes:
    """A lighthouse, drawn."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGBA", (360, 360), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    teal, sand = (10, 110, 95, 255), (240, 196, 92, 255)
    draw.rounded_rectangle((0, 0, 359, 359), 72, fill=teal)
    draw.polygon([(140, 300), (220, 300), (204, 130), (156, 130)], fill="white")
    draw.rectangle((148, 96, 212, 126), fill=sand)
    draw.polygon([(140, 96), (220, 96), (180, 60)], fill="white")
    draw.polygon([(212, 104), (330, 74), (330, 140), (212, 120)], fill=sand)
    made = io.BytesIO()
    picture.save(made, "PNG")
    return made.getvalue()
