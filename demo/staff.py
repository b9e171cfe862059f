"""The people who work here, their teams, and up to how much each role may approve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from django.contrib.auth.hashers import make_password

from accounts.staff.actions import (
    NewPerson,
    bootstrap_staff,
    create_staff,
    create_team,
    draft_staff_change,
    publish_staff_change,
)
from accounts.staff.limits.actions import draft_limit, publish_limit
from accounts.staff.models import StaffChange, User
from accounts.staff.permissions import Role
from demo.clock import replaced
from demo.company import BEGAN, Company

PASSWORD = "demonstration-only"  # noqa: S105 - it is printed for everybody, and only where DEBUG is on

FIRST = (
    ("admin", "Ada", "Quarrenden"),
    ("manager", "Marta", "Belgrandi"),
    ("manager2", "Milo", "Tarnhofer"),
)
#: (user name, first name, last name, role, team, whether they lead it)
OTHERS: tuple[tuple[str, str, str, Role, str, bool], ...] = (
    ("lead", "Livia", "Corsandri", Role.LEAD, "Phone systems", True),
    ("lead2", "Ludo", "Feltringham", Role.LEAD, "Software", True),
    ("agent", "Anna", "Velmonte", Role.AGENT, "Phone systems", False),
    ("agent2", "Arne", "Osterwick", Role.AGENT, "Software", False),
    ("billing", "Bice", "Rovantini", Role.BILLING, "", False),
    ("auditor", "Ugo", "Pellardin", Role.AUDITOR, "", False),
)

#: (role, what is approved, limit in EUR and CHF, limit of one batch)
LIMITS: tuple[tuple[Role, str, str, str], ...] = (
    (Role.LEAD, "usage", "150.00", "600.00"),
    (Role.LEAD, "interruption", "150.00", "600.00"),
    (Role.MANAGER, "usage", "2500.00", "10000.00"),
    (Role.MANAGER, "interruption", "1000.00", "10000.00"),
    (Role.MANAGER, "full_month", "500.00", "2500.00"),
    (Role.MANAGER, "special", "1000.00", "2500.00"),
    (Role.MANAGER, "reversal", "1000.00", "2500.00"),
    (Role.MANAGER, "leftover_credit", "500.00", "2500.00"),
)
CURRENCIES = ("EUR", "CHF")


def create_people(company: Company) -> None:
    """Everybody, each drafted by the administrator and published by a manager."""
    with _one_hash():
        bootstrap_staff(
            by=User.objects.system(),
            administrator=_person(*FIRST[0]),
            managers=[_person(*names) for names in FIRST[1:]],
        )
        company.load_people()
        admin, manager = company.person("admin"), company.person("manager")
        teams = {name: create_team(by=admin, name=name).pk for name in ("Phone systems", "Software")}
        for username, first_name, last_name, role, team, leads in OTHERS:
            user = create_staff(
                by=admin,
                person=_person(username, first_name, last_name),
                role=role,
                reason="Part of the first staff",
                team_id=teams.get(team),
                leads_team=leads,
            )
            publish_staff_change(_draft_about(user), by=manager)
    company.load_people()


def link_to_customer(company: Company, username: str, customer_id: int) -> None:
    """Write down that a staff member is this customer, so that nobody works on their own money."""
    person = company.person(username)
    change = draft_staff_change(
        person.pk,
        by=company.person("admin"),
        reason="Has a subscription with us, as they told us themselves",
        role=person.role_name,
        team_id=person.team_id,
        customer_id=customer_id,
    )
    publish_staff_change(change.pk, by=company.person("manager2"))
    company.load_people()


def set_limits(company: Company) -> None:
    """Drafted by the administrator, published by a manager, in force since the company began with the product."""
    admin, manager = company.person("admin"), company.person("manager2")
    for currency in CURRENCIES:
        for role, subject, amount, batch in LIMITS:
            limit = draft_limit(
                by=admin,
                role=role,
                subject=subject,
                currency=currency,
                valid_from=company.days.ago(BEGAN),
                amount=Decimal(amount),
                batch_amount=Decimal(batch),
                reason="First limits",
            )
            publish_limit(limit.pk, by=manager)


def login_lines() -> list[str]:
    """Who can sign in, and with which password, to be printed."""
    people = User.objects.filter(role__isnull=False, is_active=True).select_related("role").order_by("pk")
    return [
        f"Sign in as one of these people; everybody's password is {PASSWORD}",
        *(f"  {user.username:<10} {user.role_name:<14} {user.get_full_name()}" for user in people),
    ]


def _person(username: str, first_name: str, last_name: str) -> NewPerson:
    return NewPerson(
        username=username,
        first_name=first_name,
        last_name=last_name,
        password=PASSWORD,
        email=f"{username}@redress.example.com",
    )


def _draft_about(user: User) -> int:
    return StaffChange.objects.get(person=user, state=StaffChange.State.DRAFT).pk


@contextmanager
def _one_hash() -> Iterator[None]:
    """Hash the one password once: at full strength a hash takes its time, and here they would all be the same."""
    encoded = make_password(PASSWORD)

    def set_password(self: User, raw_password: str | None) -> None:
        if raw_password != PASSWORD:
            raise ValueError("only the password of the demonstration is hashed beforehand")
        self.password = encoded

    with replaced(User, "set_password", set_password):
        yield
