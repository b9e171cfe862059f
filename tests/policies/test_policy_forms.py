"""The forms of policy drafts and agreements: a field for each figure, for people who never see how it is stored."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.staff.models import User
from policies.agreements.models import Agreement
from policies.parameters.forms import GROUPS, AmountsField, DaysOrNeverField, LengthField
from policies.parameters.parameters import FulfilmentParameters, RefundParameters
from policies.parameters.units import PolicyParameterError
from policies.versions.actions import draft_policy_version, publish_policy_version
from policies.versions.models import Policy, PolicyVersion
from tests import factories
from tests.complaints.typed import as_typed

pytestmark = pytest.mark.django_db

DRAFT_AGREEMENT = "/policies/agreement/do/draft/"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def draft_url(kind: str) -> str:
    return f"/policies/policy/act/draft/?ids={Policy.objects.get(kind=kind).pk}"


def draft_version(kind: str, **typed: Any) -> Any:
    """The form of the next version, sent with some of its fields changed."""
    client = signed_in(factories.manager())
    return client.post(draft_url(kind), {**as_typed(client.get(draft_url(kind)).context["form"]), **typed})


def drafted() -> PolicyVersion:
    return PolicyVersion.objects.get(state="draft")


TYPED: dict[str, Any] = {
    "bases": ["usage", "special"],
    "remedies": ["credit", "minutes"],
    "as_of_day_counts": "no",
    "full_months_within_a_year": "3",
    "granted_minutes_further_periods": "0",
    "consent_needed_after_days": "never",
    "minimum_interruption_seconds_count": "90",
    "minimum_interruption_seconds_unit": "60",
    "second_approval_above": "EUR 500\nchf 450.50",
    "approval_window_days": "60",
    "draft_expires_after_days": "20",
    "proposal_expires_after_days": "7",
    "acknowledge_within_days": "1",
    "decide_within_days": "10",
    "tell_within_days": "3",
    "deadline_days": "working",
    "holidays_of": "DE",
    "warn_before_days": "4",
    "escalate_after_days": "2",
    "silence_closes_after_days": "21",
    "indemnity_per_day": "1.5 EUR, 100 jpy",
    "indemnity_maximum": "EUR 20",
    "appeal_route": "the ombudsman of the sector",
}
STORED: dict[str, Any] = {
    "bases": ["usage", "special"],
    "remedies": ["credit", "minutes"],
    "as_of_day_counts": False,
    "full_months_within_a_year": 3,
    "granted_minutes_further_periods": 0,
    "consent_needed_after_days": None,
    "minimum_interruption_seconds": 5_400,
    "second_approval_above": {"EUR": "500.00", "CHF": "450.50"},
    "approval_window_days": 60,
    "draft_expires_after_days": 20,
    "proposal_expires_after_days": 7,
    "acknowledge_within_days": 1,
    "decide_within_days": 10,
    "tell_within_days": 3,
    "deadline_days": "working",
    "holidays_of": "DE",
    "warn_before_days": 4,
    "escalate_after_days": 2,
    "silence_closes_after_days": 21,
    "indemnity_per_day": {"EUR": "1.50", "JPY": "100"},
    "indemnity_maximum": {"EUR": "20.00"},
    "appeal_route": "the ombudsman of the sector",
}


# --- A version of a policy ----------------------------------------------------------------------


def test_every_figure_has_its_place_in_the_forms() -> None:
    asked = [name for _, names in GROUPS for name in names]
    known = [entry.name for kind in (RefundParameters, FulfilmentParameters) for entry in fields(kind)]
    assert sorted(asked) == sorted(known)
    assert set(STORED) == {entry.name for entry in fields(RefundParameters)}


def test_a_draft_takes_every_figure_and_shows_it_again() -> None:
    assert draft_version("refund", **TYPED).status_code == 302
    assert drafted().parameters == STORED
    client = signed_in(factories.manager())
    url = f"/policies/policyversion/act/edit/?ids={drafted().pk}"
    form = client.get(url).context["form"]
    assert form["second_approval_above"].value() == "CHF 450.50\nEUR 500.00"
    assert form["consent_needed_after_days"].value() == "never"
    # Sent as it is, it says the same; what is changed is changed.
    assert client.post(url, as_typed(form)).status_code == 302
    assert drafted().parameters == STORED
    again = {"holidays_of": "customer", "escalate_after_days": "never", "indemnity_maximum": ""}
    assert client.post(url, {**as_typed(form), **again}).status_code == 302
    changed: dict[str, Any] = {"holidays_of": "", "escalate_after_days": None, "indemnity_maximum": {}}
    assert drafted().parameters == {**STORED, **changed}


def test_a_draft_starts_from_the_version_in_force() -> None:
    first = PolicyVersion.objects.get(policy__kind="refund")
    # A draft of somebody else is no ground to stand on.
    draft_policy_version(
        first.policy_id,
        by=factories.manager(),
        effective_from=factories.today(),
        text="# Other",
        parameters={"decide_within_days": 99},
    )
    client = signed_in(factories.manager())
    form = client.get(draft_url("refund")).context["form"]
    assert form["text"].value() == first.text
    assert form["effective_from"].value() == factories.today() + timedelta(days=1)
    assert client.post(draft_url("refund"), as_typed(form)).status_code == 302
    assert PolicyVersion.objects.get(number=3).figures == first.figures


def test_a_draft_starts_from_what_is_published_for_a_day_to_come() -> None:
    first = PolicyVersion.objects.get(policy__kind="refund")
    day = factories.today() + timedelta(days=20)
    version = draft_policy_version(
        first.policy_id, by=factories.manager(), effective_from=day, text="# Soon", parameters=STORED
    )
    publish_policy_version(version.pk, by=factories.manager())
    form = signed_in(factories.manager()).get(draft_url("refund")).context["form"]
    assert (form["text"].value(), form["effective_from"].value()) == ("# Soon", day + timedelta(days=1))
    assert form["approval_window_days"].value() == 60


def test_the_fulfilment_policy_has_its_own_figures() -> None:
    form = signed_in(factories.manager()).get(draft_url("fulfilment")).context["form"]
    assert list(form.fields) == ["effective_from", "text", "full_month_allowed", "cancellation_days_back"]
    assert form["full_month_allowed"].value() == "yes"
    assert draft_version("fulfilment", full_month_allowed="no", decide_within_days="3").status_code == 302
    assert drafted().parameters == {"full_month_allowed": False, "cancellation_days_back": 30}


def test_a_form_shows_words_and_never_how_figures_are_stored() -> None:
    client = signed_in(factories.manager())
    for page in (client.get(draft_url("refund")), client.get(DRAFT_AGREEMENT)):
        html = page.content.decode()
        assert "A proposed refund expires after" in html
        # An internal control: no agreement changes it.
        assert ("Two people approve above" in html) is ("agreement" not in page.request["PATH_INFO"])
        assert "{&quot;" not in html
        for legend, _ in GROUPS:
            assert f"<legend>{legend}</legend>" in html, legend


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"bases": []}, "bases"),
        ({"bases": ["full_month"]}, "bases"),
        ({"remedies": ["gold"]}, "remedies"),
        ({"as_of_day_counts": ""}, "as_of_day_counts"),
        ({"as_of_day_counts": "true"}, "as_of_day_counts"),
        ({"minimum_interruption_seconds_count": ""}, "minimum_interruption_seconds"),
        ({"minimum_interruption_seconds_count": "-1"}, "minimum_interruption_seconds"),
        ({"minimum_interruption_seconds_unit": "7"}, "minimum_interruption_seconds"),
        ({"minimum_interruption_seconds_count": "1000000"}, "minimum_interruption_seconds"),
        ({"consent_needed_after_days": "sometimes"}, "consent_needed_after_days"),
        ({"second_approval_above": "500"}, "second_approval_above"),
        ({"decide_within_days": "-1"}, "decide_within_days"),
        ({"decide_within_days": "soon"}, "decide_within_days"),
        ({"decide_within_days": ""}, "decide_within_days"),
        ({"deadline_days": "lunar"}, "deadline_days"),
        ({"holidays_of": "XX"}, "holidays_of"),
        ({"holidays_of": "TA"}, "holidays_of"),
        ({"warn_before_days": "61"}, "warn_before_days"),
        ({"escalate_after_days": "0"}, "escalate_after_days"),
        ({"indemnity_per_day": "a lot"}, "indemnity_per_day"),
        ({"indemnity_per_day": "1.505 EUR"}, "indemnity_per_day"),
        ({"indemnity_per_day": "1 EUR, 2 EUR"}, "indemnity_per_day"),
        ({"indemnity_per_day": "1 XYZ"}, "indemnity_per_day"),
        ({"indemnity_per_day": "EUR 0"}, "indemnity_per_day"),
        ({"indemnity_maximum": "EUR 20"}, "indemnity_maximum"),
        ({"appeal_route": " "}, "appeal_route"),
        ({"effective_from": "tomorrow"}, "effective_from"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(typed: dict[str, Any], field: str) -> None:
    response = draft_version("refund", **typed)
    assert response.status_code == 200
    assert set(response.context["form"].errors) == {field}
    assert not PolicyVersion.objects.filter(state="draft").exists()


# --- An agreement -------------------------------------------------------------------------------


def agreement_typed(**typed: Any) -> dict[str, Any]:
    customer = factories.CustomerFactory.create()
    base = {"customer": customer.number, "title": "Key account", "valid_from": factories.today().isoformat()}
    return {**base, **typed}


def test_an_agreement_names_only_what_was_typed() -> None:
    client = signed_in(factories.manager())
    # As the empty form is sent, nothing is agreed.
    response = client.post(DRAFT_AGREEMENT, agreement_typed(**as_typed(client.get(DRAFT_AGREEMENT).context["form"])))
    assert "without terms of its own" in response.content.decode()
    own = {
        "deadline_days": "working",
        "holidays_of": "customer",
        "indemnity_per_day": "none",
        "remedies": ["cash"],
        "full_month_allowed": "no",
        "minimum_interruption_seconds_count": "2",
        "minimum_interruption_seconds_unit": "3600",
    }
    assert client.post(DRAFT_AGREEMENT, agreement_typed(**own)).status_code == 302
    agreement = Agreement.objects.get()
    stored = {
        "deadline_days": "working",
        "holidays_of": "",
        "indemnity_per_day": {},
        "remedies": ["cash"],
        "full_month_allowed": False,
        "minimum_interruption_seconds": 7_200,
    }
    assert agreement.terms == stored
    # Editing shows these alone, and sent as it is says the same.
    url = f"/policies/agreement/act/edit/?ids={agreement.pk}"
    form = client.get(url).context["form"]
    assert (form["holidays_of"].value(), form["indemnity_per_day"].value()) == ("customer", "none")
    assert form["decide_within_days"].value() is None
    assert client.post(url, as_typed(form)).status_code == 302
    assert Agreement.objects.get().terms == stored


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"customer": "Z-1"}, "customer"),
        ({"decide_within_days": "-1"}, "decide_within_days"),
        ({"full_month_allowed": "maybe"}, "full_month_allowed"),
        ({"remedies": ["gold"]}, "remedies"),
        # It does not fit to the policy, which knows no indemnity.
        ({"indemnity_maximum": "EUR 20"}, "indemnity_maximum"),
    ],
)
def test_what_cannot_be_agreed_is_said_at_its_field(typed: dict[str, Any], field: str) -> None:
    response = signed_in(factories.manager()).post(
        DRAFT_AGREEMENT, agreement_typed(**{"acknowledge_within_days": "1", **typed})
    )
    assert response.status_code == 200
    assert set(response.context["form"].errors) == {field}
    assert not Agreement.objects.exists()


def test_an_address_cannot_make_the_form_stumble() -> None:
    response = signed_in(factories.manager()).get(f"{DRAFT_AGREEMENT}?terms=remedies&customer=X&bases=usage")
    assert response.status_code == 200
    assert response.context["form"]["customer"].value() == "X"


# --- The fields ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "amounts"),
    [
        ("", None),
        ("none", {}),
        ("1 EUR", {"EUR": "1.00"}),
        ("EUR1.00", {"EUR": "1.00"}),
        ("1,50 EUR, USD 1.234,5,", {"EUR": "1.50", "USD": "1234.50"}),
        ("1.5eur;2 usd\nKWD 3\n", {"EUR": "1.50", "USD": "2.00", "KWD": "3.000"}),
    ],
)
def test_amounts_are_typed_with_their_currency(typed: str, amounts: dict[str, str] | None) -> None:
    assert AmountsField(required=False).clean(typed) == amounts


@pytest.mark.parametrize("typed", ["1,500 EUR", "EUR", "-1 EUR", "1e3 EUR", "1 EURO", "1.5 JPY", "EUR 1 EUR", "1"])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        AmountsField(required=False).clean(typed)


@pytest.mark.parametrize(("typed", "days"), [("", None), ("Never", "never"), (" 30 ", 30), ("0", 0), (7, 7)])
def test_days_or_never(typed: Any, days: Any) -> None:
    assert DaysOrNeverField(least=0, required=False).clean(typed) == days


@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "10001", "٣x", "none"])
def test_what_is_neither_days_nor_never(typed: str) -> None:
    with pytest.raises(ValidationError):
        DaysOrNeverField(least=1, required=False).clean(typed)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, [0, 3600]), (7200, [2, 3600]), (5400, [90, 60]), (61, [61, 1]), (None, [None, 3600])]
)
def test_a_length_is_shown_in_its_largest_whole_unit(seconds: int | None, shown: list[int | None]) -> None:
    field = LengthField(required=False)
    assert field.widget.decompress(seconds) == shown
    assert field.clean(["" if each is None else str(each) for each in shown]) == seconds


@pytest.mark.parametrize(
    ("figures", "field"),
    [
        ({"deadline_days": "lunar"}, "deadline_days"),
        ({"deadline_days": ["working"]}, "deadline_days"),
        ({"holidays_of": "XX"}, "holidays_of"),
        ({"holidays_of": None}, "holidays_of"),
        ({"holidays_of": ["IT"]}, "holidays_of"),
        ({"warn_before_days": 61}, "warn_before_days"),
        ({"warn_before_days": -1}, "warn_before_days"),
        ({"warn_before_days": "3"}, "warn_before_days"),
        ({"escalate_after_days": 0}, "escalate_after_days"),
        ({"escalate_after_days": True}, "escalate_after_days"),
        ({"indemnity_per_day": [1]}, "indemnity_per_day"),
        ({"indemnity_per_day": {"EUR": 1}}, "indemnity_per_day"),
        ({"indemnity_per_day": {"EUR": "0"}}, "indemnity_per_day"),
        ({"indemnity_per_day": {"EUR": "-1"}}, "indemnity_per_day"),
        ({"indemnity_per_day": {"EUR": "0.001"}}, "indemnity_per_day"),
        ({"indemnity_per_day": {"EUR": "NaN"}}, "indemnity_per_day"),
        ({"indemnity_per_day": {"EUR": "1"}, "indemnity_maximum": {"USD": "1"}}, "indemnity_maximum"),
        ({"indemnity_per_day": {"EUR": "1"}, "indemnity_maximum": {"EUR": "0"}}, "indemnity_maximum"),
    ],
)
def test_the_figures_themselves_refuse_what_cannot_be(figures: dict[str, Any], field: str) -> None:
    with pytest.raises(PolicyParameterError) as caught:
        RefundParameters.from_json(figures)
    assert caught.value.field == field
