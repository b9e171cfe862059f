"""The quote on the case's page, live: every input recomputes it, with script or by its button."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from audit.actions import Refused
from backoffice.actions import offer
from backoffice.forms import AmountField
from backoffice.links import link
from backoffice.panels import Panel
from backoffice.requests import StaffRequest
from backoffice.widgets import DateInput
from billing.subscriptions.models import BillingPeriod, current_periods
from complaints.cases.models import Complaint
from complaints.quotes.comparable_cases import percent, share_of, similar_cases
from complaints.quotes.facts import QuoteFacts
from complaints.quotes.input_errors import QuoteInputError
from complaints.quotes.panels import refundable_context, shown_quote
from complaints.quotes.quoting import Choices, LiveQuote, basis_obstacle, suggested_basis
from complaints.quotes.receipts import PERIODS, periods_to_refund
from complaints.quotes.text import basis_in_words, plan_in_words, problem_in_words
from complaints.quotes.what_if import WhatIf, quote_what_if
from complaints.refunds.forms import RemedyMixForm
from complaints.refunds.models import Refund
from complaints.refunds.remedies.actions import normalise_plan, remedy_plan_for
from complaints.refunds.remedies.kinds import REMEDY_CHOICES, remedy_sought
from core.amounts import money_text
from core.text import Text, say


class LiveQuoteForm(RemedyMixForm):
    """What the quote depends on. All of it has a value at the start; nothing is needed."""

    short_labels = True

    basis = forms.ChoiceField(label=_("Basis"), choices=Refund.Basis, required=False)
    period = forms.TypedChoiceField(label=_("Period"), coerce=int, required=False, empty_value=None)
    as_of = forms.DateField(label=_("As of"), widget=DateInput, required=False)
    special_amount = AmountField(label=_("Amount of a special case"), required=False)
    reduction = AmountField(label=_("Give less by"), required=False)
    counted = forms.TypedMultipleChoiceField(
        label=_("Interruptions"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    rest = forms.ChoiceField(label=_("Give it as"), choices=REMEDY_CHOICES, required=False)

    def __init__(self, complaint: Complaint, facts: QuoteFacts, *args: Any, **kwargs: Any) -> None:
        """``facts`` are those of the complaint's own period."""
        kwargs.setdefault("auto_id", "quote-%s")
        super().__init__(*args, **kwargs)
        periods = list(periods_to_refund(complaint)[:PERIODS])
        offer(self, "period", choices=[(period.pk, str(period)) for period in periods])
        self.chosen, self.facts = self._chosen(complaint.period, periods), facts
        if self.chosen != complaint.period:
            self.facts = QuoteFacts.load([self.chosen])
        # Those that an interruption refund can count: over, and not announced maintenance.
        self.incidents = [
            incident
            for incident in self.facts.incidents_of(self.chosen)
            if incident.ends_at is not None and not incident.scheduled
        ]
        offer(self, "counted", choices=[(incident.pk, str(incident)) for incident in self.incidents])

    def _chosen(self, own: BillingPeriod, periods: Sequence[BillingPeriod]) -> BillingPeriod:
        """The period that is asked for, if it can be; else the case's own."""
        asked = self.data.get("period", "") if self.is_bound else ""
        return next((period for period in periods if str(period.pk) == asked and period != own), own)


def initial_of(complaint: Complaint) -> dict[str, Any]:
    """The inputs as the rows have them."""
    return {
        "basis": suggested_basis(complaint),
        "period": complaint.period_id,
        "as_of": timezone.localdate(complaint.received_at).isoformat(),
        "rest": remedy_sought(complaint.sought),
    }


def may_quote(user: Any) -> bool:
    """Who sees a quote that was never proposed: whoever proposes, and whoever reads everything."""
    return bool(user.may(May.PROPOSE_REFUNDS) or user.may(May.SEE_WHOLE_TRAIL))


def live_quote_context(request: HttpRequest, complaint: Complaint, facts: QuoteFacts) -> dict[str, Any]:
    """What the card shows, from the address's inputs where it has any; ``facts`` are those of the case's own period."""
    asked = "basis" in request.GET
    form = LiveQuoteForm(complaint, facts, request.GET if asked else None, initial=initial_of(complaint))
    context: dict[str, Any] = {"complaint": complaint, "quote_form": form}
    if asked and not form.is_valid():
        return {**context, "problem": say("Please correct what is marked.")}
    values = form.cleaned_data if asked else {}
    period, facts = form.chosen, form.facts
    choices = Choices(
        basis=values.get("basis") or suggested_basis(complaint),
        reduction=values.get("reduction") or Decimal(0),
        special_amount=values.get("special_amount"),
    )
    what_if = _what_if(complaint, form, values) if asked else WhatIf()
    context |= {
        "period": period,
        "basis": basis_in_words(choices.basis),
        "assumed": bool(what_if),
        "terms": facts.terms_of(period),
        **refundable_context(period, facts),
        "takes": choices.basis,
        "pending": _pending_on(period),
    }
    obstacle = basis_obstacle(complaint, choices.basis, context["terms"])
    if obstacle:
        return {**context, "problem": str(obstacle)}
    try:
        live = quote_what_if(complaint, period, choices, what_if, facts)
    except QuoteInputError as problem:
        return {**context, "problem": problem_in_words(problem)}
    context |= shown_quote(live, period, "")
    context["similar"] = _similar(complaint, choices.basis, live, period)
    if asked and live.quote.total:
        context |= _mix(form, live, period)
    return context


def _pending_on(period: BillingPeriod) -> list[tuple[SafeString, Text]]:
    """The refunds that wait on the period, a link and an amount each: the quote leaves out what they give."""
    if not period.pending:
        return []
    waiting = Refund.objects.filter(period=period, state__in=Refund.PENDING_STATES).order_by("pk")
    return [(link(refund), money_text(refund.total, refund.currency)) for refund in waiting]


def _what_if(complaint: Complaint, form: LiveQuoteForm, values: dict[str, Any]) -> WhatIf:
    received = timezone.localdate(complaint.received_at)
    as_of = values.get("as_of")
    without: set[int] = set()
    # Boxes that are not ticked are not sent at all: the field beside them tells that they were there.
    if "counted_shown" in form.data:
        shown = {int(pk) for pk in form.data.get("counted_shown", "").split(",") if pk.isdecimal()}
        without = (shown & {incident.pk for incident in form.incidents}) - set(values.get("counted", []))
    return WhatIf(as_of=as_of if as_of and as_of != received else None, without=frozenset(without))


def _similar(complaint: Complaint, basis: str, live: LiveQuote, period: BillingPeriod) -> dict[str, Any] | None:
    found = similar_cases(complaint, basis)
    if found is None:
        return None
    share = share_of(live.quote.total, period.fee)
    low, high = found.usual
    return {
        "count": found.count,
        "median": percent(found.middle),
        "low": percent(found.lowest),
        "high": percent(found.highest),
        "usual": say("{low} to {high}", low=percent(low), high=percent(high)),
        "this": percent(share),
        "unusual": found.is_unusual(share),
        "quartiles": say("{low} to {high}", low=percent(found.lower_quartile), high=percent(found.upper_quartile)),
    }


def _mix(form: LiveQuoteForm, live: LiveQuote, period: BillingPeriod) -> dict[str, Any]:
    """The chosen mix of remedies in words, or why it cannot be."""
    try:
        plan = remedy_plan_for(normalise_plan(form.remedies, period.currency), live.quote.payable, period, live.terms)
    except Refused as refusal:
        return {"mix_problem": refusal.message}
    return {"mix": plan_in_words(plan, period.currency, live.quote.set_off)}


def live_quote_panel(request: StaffRequest, complaint: Complaint, facts: QuoteFacts) -> Panel | None:
    """The card on the case's page, for those who may see it."""
    user = request.user
    if not may_quote(user):
        return None
    context = live_quote_context(request, complaint, facts)
    return Panel(say("Quote"), "complaints/panels/live_quote.html", context, side="right")


def live_quote_view(pages: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """The body of the card alone, for a page that recomputes it."""
    if not (pages.has_view_permission(request) and may_quote(request.user)):
        raise PermissionDenied
    related = ("subscription__customer", "period__subscription__customer", "period__plan", "period__invoice")
    cases = Complaint.objects.select_related(*related).prefetch_related(current_periods("period__subscription__"))
    complaint = cases.filter(pk=pk).first()
    if complaint is None:
        raise Http404
    context = live_quote_context(request, complaint, QuoteFacts.load([complaint.period]))
    return TemplateResponse(request, "complaints/panels/live_quote_result.html", context)
