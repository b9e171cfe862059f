"""The company's profile: an administrator drafts, a manager publishes."""

from __future__ import annotations

import hashlib
import io
from datetime import date
from typing import Final

from django.core.exceptions import ValidationError
from stdnum import iban as iban_numbers

from accounts.company.models import CompanyProfile, Logo
from accounts.four_eyes.rules import publish, publish_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from accounts.vocabulary import AccountRefusal, AccountVerb
from audit.actions import Refused, act, checked
from core.addresses import Address, postcode_problem, tidy
from core.text import say
from core.validators import clean_tax_number, problem_in_words

LARGEST_LOGO: Final = 1024 * 1024  # bytes
LARGEST_SIDE: Final = 4000  # pixels
DRAWN_SIDE: Final = 600


def draft_company_profile(
    *,
    by: User,
    valid_from: date,
    name: str,
    address: Address,
    registration_number: str,
    tax_number: str,
    questions: str,
    cancellations: str,
    bank_account: str = "",
    logo: bytes | None = None,
    keep_logo: bool = True,
    reason: str = "",
) -> CompanyProfile:
    """Draft who the company is from a date on. ``questions`` and ``cancellations`` are contacts, one a line.

    Without a ``logo`` the one of the newest profile is kept, unless ``keep_logo`` is false.

    Raises:
        Refused: something needed is missing; the postcode or the tax number is none of the country; the picture is none
            that can be read.
    """
    with act(AccountVerb.COMPANY_DRAFT, by=by, reason=reason, target=(CompanyProfile, None)) as action:
        require(by, May.DRAFT_COMPANY)
        place = tidy(address)
        if problem := postcode_problem(place):
            raise Refused(problem, code=AccountRefusal.POSTCODE, data={"field": "address"})
        if not (place.street and place.town and place.country):
            raise Refused(
                say("Street, town and country are needed."), code=AccountRefusal.INCOMPLETE, data={"field": "address"}
            )
        profile = checked(
            CompanyProfile(
                valid_from=valid_from,
                name=" ".join(name.split()),
                street=place.street,
                number=place.number,
                postcode=place.postcode,
                town=place.town,
                country=place.country,
                registration_number=" ".join(registration_number.split()),
                tax_number=_tax_number(tax_number, place.country),
                bank_account=_account(bank_account),
                questions=_lines(questions),
                cancellations=_lines(cancellations),
                logo=_keep(draw_logo(logo)) if logo else _newest_logo() if keep_logo else None,
                drafted_by=by,
            )
        )
        profile.save()
        action.about(profile)
        return profile


def publish_company_profile(profile_id: int, *, by: User, reason: str = "") -> CompanyProfile:
    """Publish another person's draft: documents written from its date on name it."""
    with act(AccountVerb.COMPANY_PUBLISH, by=by, reason=reason, target=(CompanyProfile, profile_id)) as action:
        require(by, May.PUBLISH_COMPANY)
        profile = action.lock(CompanyProfile, profile_id)
        action.about(profile)
        action.refuse_if(publish_obstacle(profile, by))
        publish(profile, by=by)
        return profile


def draw_logo(picture: bytes) -> bytes:
    """The picture drawn anew as a PNG of at most 600 by 600 pixels, so that nothing else in the file is kept.

    Raises:
        Refused: it is larger than 1 MiB or 4,000 pixels, or neither PNG nor JPEG.
    """
    from PIL import Image, UnidentifiedImageError

    unreadable = Refused(
        say("The logo is a PNG or JPEG picture of at most 1 MiB and 4,000 pixels a side."),
        code=AccountRefusal.PICTURE,
        data={"field": "logo"},
    )
    if len(picture) > LARGEST_LOGO:
        raise unreadable
    try:
        with Image.open(io.BytesIO(picture), formats=("PNG", "JPEG")) as found:
            fits = max(found.size) <= LARGEST_SIDE
            drawn = found.convert("RGBA") if fits else None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise unreadable from None
    if drawn is None:
        raise unreadable
    drawn.thumbnail((DRAWN_SIDE, DRAWN_SIDE))
    made = io.BytesIO()
    drawn.save(made, "PNG", optimize=True)
    return made.getvalue()


def _keep(png: bytes) -> Logo:
    digest = hashlib.sha256(png).hexdigest()
    logo = Logo.objects.filter(sha256=digest).first() or Logo(sha256=digest, png=png)
    if logo._state.adding:
        logo.save()
    return logo


def _newest_logo() -> Logo | None:
    newest = CompanyProfile.objects.filter(state="published").order_by("-valid_from", "-pk").first()
    return newest.logo if newest is not None else None


def _tax_number(number: str, country: str) -> str:
    try:
        return clean_tax_number(number, country)
    except ValidationError:
        problem = problem_in_words(lambda: clean_tax_number(number, country))
        raise Refused(problem, code=AccountRefusal.TAX_NUMBER, data={"field": "tax_number"}) from None


def _account(text: str) -> str:
    """An IBAN in groups of four; an account of another kind as it was written."""
    written = " ".join(text.split())
    return iban_numbers.format(written) if iban_numbers.is_valid(written) else written


def _lines(text: str) -> str:
    return "\n".join(line for line in (" ".join(part.split()) for part in text.splitlines()) if line)
