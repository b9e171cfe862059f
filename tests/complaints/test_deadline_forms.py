"""The figures about deadlines, typed into the forms of policy drafts and agreements."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import Agreement, User
from complaints.deadline_forms import DEADLINE_FIGURES, AmountsField
from complaints.models import Policy, PolicyVersion
from complaints.policy_parameters import PolicyParameterError, RefundParameters
from tests import factories

pytestmark = pytest.mark.django_db

USUAL = {name: RefundParameters().to_json()[name] for name in DEADLINE_FIGURES}


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.auth.StaffBackend")
    return client


def draft_version(kind: str, **typed: Any) -> Any:
    policy = Policy.objects.get(kind=kind)
    return signed_in(factories.manager()).post(
        f"/complaints/policy/act/draft/?ids={policy.pk}",
        {"effective_from": factories.today().isoformat(), "text": "# Policy", "parameters": "{}", **typed},
    )


TYPED: dict[str, str] = {
    "acknowledge_within_days": "1",
    "decide_within_days": "10",
    "deadline_days": "working",
    "holidays_of": "DE",
    "warn_before_days": "4",
    "escalate_after_days": "2",
    "indemnity_per_day": "1.5 EUR, 100 jpy",
    "indemnity_maximum": "20 EUR",
}
STORED: dict[str, Any] = {
    "acknowledge_within_days": 1,
    "decide_within_days": 10,
    "deadline_days": "working",
    "holidays_of": "DE",
    "warn_before_days": 4,
    "escalate_after_days": 2,
    "indemnity_per_day": {"EUR": "1.50", "JPY": "100"},
    "indemnity_maximum": {"EUR": "20.00"},
}


def figures_of(version: PolicyVersion) -> dict[str, Any]:
    return {name: version.parameters[name] for name in DEADLINE_FIGURES}


def test_a_policy_draft_takes_every_figure() -> None:
    assert draft_version("refund", **TYPED, parameters='{"remedies": ["credit"]}').status_code == 302
    version = PolicyVersion.objects.get(state="draft")
    assert figures_of(version) == STORED
    assert version.parameters["remedies"] == ["credit"]
    # The form shows them again, and what is changed there is changed.
    client = signed_in(factories.manager())
    url = f"/complaints/policyversion/act/edit/?ids={version.pk}"
    form = client.get(url).context["form"]
    shown = {name: form[name].value() for name in DEADLINE_FIGURES}
    assert shown == {**STORED, "indemnity_per_day": "1.50 EUR, 100 JPY", "indemnity_maximum": "20.00 EUR"}
    assert not set(DEADLINE_FIGURES) & set(form.initial["parameters"])
    again = {**TYPED, "holidays_of": "customer", "escalate_after_days": "0", "indemnity_maximum": ""}
    typed = {"effective_from": factories.today().isoformat(), "text": "# Policy", "parameters": "{}", **again}
    assert client.post(url, typed).status_code == 302
    version.refresh_from_db()
    changed: dict[str, Any] = {"holidays_of": "", "escalate_after_days": None, "indemnity_maximum": {}}
    assert figures_of(version) == {**STORED, **changed}
    form = client.get(url).context["form"]
    assert (form["holidays_of"].value(), form["escalate_after_days"].value()) == ("customer", 0)


def test_a_field_left_empty_has_the_usual_value_and_the_first_version_shows_it() -> None:
    policy = Policy.objects.get(kind="refund")
    form = signed_in(factories.manager()).get(f"/complaints/policy/act/draft/?ids={policy.pk}").context["form"]
    assert (form["decide_within_days"].value(), form["warn_before_days"].value()) == (14, 3)
    assert draft_version("refund").status_code == 302
    assert figures_of(PolicyVersion.objects.get(state="draft")) == USUAL


def test_the_fulfilment_policy_has_no_deadlines() -> None:
    assert draft_version("fulfilment", parameters='{"full_month_allowed": false}', decide_within_days="3").status_code
    assert PolicyVersion.objects.get(state="draft").parameters == {"full_month_allowed": False}


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"decide_within_days": "-1"}, "decide_within_days"),
        ({"decide_within_days": "soon"}, "decide_within_days"),
        ({"deadline_days": "lunar"}, "deadline_days"),
        ({"holidays_of": "XX"}, "holidays_of"),
        ({"holidays_of": "TA"}, "holidays_of"),
        ({"warn_before_days": "61"}, "warn_before_days"),
        ({"indemnity_per_day": "a lot"}, "indemnity_per_day"),
        ({"indemnity_per_day": "1.505 EUR"}, "indemnity_per_day"),
        ({"indemnity_per_day": "1 EUR, 2 EUR"}, "indemnity_per_day"),
        ({"indemnity_per_day": "1 XYZ"}, "indemnity_per_day"),
        ({"decide_within_days": "3", "parameters": '{"decide_within_days": 4}'}, "parameters"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(typed: dict[str, str], field: str) -> None:
    response = draft_version("refund", **typed)
    assert response.status_code == 200
    assert set(response.context["form"].errors) == {field}
    assert not PolicyVersion.objects.filter(state="draft").exists()


def test_a_maximum_without_an_amount_a_day_is_refused() -> None:
    response = draft_version("refund", indemnity_maximum="20 EUR")
    assert response.status_code == 200
    assert "no amount for a day of delay" in response.content.decode()


def test_an_agreement_names_only_what_was_typed() -> None:
    customer = factories.CustomerFactory.create()
    client = signed_in(factories.manager())
    base = {"customer": customer.number, "title": "Key account", "valid_from": factories.today().isoformat()}
    url = "/accounts/agreement/do/draft/"
    assert client.post(url, base).status_code == 200  # nothing of its own
    own = {"deadline_days": "working", "holidays_of": "customer", "indemnity_per_day": "none"}
    assert client.post(url, {**base, **own, "terms": '{"remedies": ["cash"]}'}).status_code == 302
    agreement = Agreement.objects.get()
    stored = {"deadline_days": "working", "holidays_of": "", "indemnity_per_day": {}, "remedies": ["cash"]}
    assert agreement.terms == stored
    form = client.get(f"/accounts/agreement/act/edit/?ids={agreement.pk}").context["form"]
    assert form["holidays_of"].value() == "customer"
    assert form["indemnity_per_day"].value() == "none"
    assert form["decide_within_days"].value() is None
    assert form.initial["terms"] == {"remedies": ["cash"]}


@pytest.mark.parametrize(
    ("typed", "amounts"),
    [
        ("", None),
        ("none", {}),
        ("1 EUR", {"EUR": "1.00"}),
        ("1.5eur;2 usd\n3 KWD", {"EUR": "1.50", "USD": "2.00", "KWD": "3.000"}),
    ],
)
def test_amounts_are_typed_with_their_currency(typed: str, amounts: dict[str, str] | None) -> None:
    assert AmountsField(required=False).clean(typed) == amounts


@pytest.mark.parametrize("typed", ["1,50 EUR", "EUR", "-1 EUR", "1e3 EUR", "1 EURO", "1.5 JPY"])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        AmountsField(required=False).clean(typed)


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
