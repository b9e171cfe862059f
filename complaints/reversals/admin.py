"""Reversals: what a refund gave, what returns, what was used; decided by somebody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.admin import Approve, FourEyesAdmin, Reject, Withdraw
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle
from audit.models import Event
from backoffice.actions import ActionForm, Permission, ReasonForm, Sentence, StaffAction
from backoffice.amounts import money
from backoffice.display import column, number, sub, when
from backoffice.links import link, page_url
from backoffice.panels import Panel, register_home_panels, timeline_panel
from backoffice.requests import StaffRequest
from billing.subscriptions.models import Subscription
from complaints.refunds.models import Refund
from complaints.reversals import actions as reversals
from complaints.reversals.forms import ApproveReversalForm, ReversalForm
from complaints.reversals.models import Reversal
from complaints.reversals.plan import plan_reversal
from core.amounts import money_text
from core.text import Text, say
from policies.choices import RemedyKind


def plan_context(refund: Refund) -> Mapping[str, Any]:
    """What a reversal made now would come to, as rows of a card."""
    plan = plan_reversal(refund)
    rows: list[tuple[Any, ...]] = [
        (
            format_html("{}{}", entry.remedy.get_kind_display(), sub(entry.back.why)),
            money(entry.recovered, refund.currency),
            money(entry.used, refund.currency),
        )
        for entry in plan.entries
    ]
    if plan.due_again:
        rows.append(_due_again(refund, plan.due_again))
    returned = plan.recovered + plan.due_again
    rows.append((say("Together"), money(returned, refund.currency), money(plan.used, refund.currency)))
    return {"headings": [say("Given as"), (say("Returns"), "n"), (say("Was used"), "n")], "rows": rows}


def _due_again(refund: Refund, amount: Decimal) -> tuple[Any, ...]:
    """The row of what had been set off against the unpaid fee."""
    why = say("due again on invoice {invoice}", invoice=refund.period.invoice.number)
    return (
        format_html("{}{}", say("Set-off"), sub(why)),
        money(amount, refund.currency),
        money(Decimal(0), refund.currency),
    )


class ProposeReversal(StaffAction[Refund]):
    """On the refund's page."""

    name = "reverse"
    label = _("Reverse")
    tone = "danger"
    icon = "undo-dot"
    may = May.PROPOSE_REFUNDS
    form_class = ReversalForm
    preview_template = "complaints/panels/reversal_card.html"
    intro = _("Somebody else decides. Nothing moves before that.")
    rule = reversals.propose_obstacle
    action = reversals.propose_reversal
    done = _("The reversal is proposed. Somebody else has to decide on it.")
    opens = page_url

    def queryset(self, rows: models.QuerySet[Refund]) -> models.QuerySet[Refund]:
        return rows.prefetch_related("reversals")

    def preview_context(self, obj: Refund, by: User, form: ActionForm) -> Mapping[str, Any]:
        return plan_context(obj)


class ReversalAction(StaffAction[Reversal]):
    may: ClassVar[Permission] = May.APPROVE_REVERSAL

    def queryset(self, rows: models.QuerySet[Reversal]) -> models.QuerySet[Reversal]:
        return rows.select_related("refund__customer", "refund__complaint", "refund__subscription", "proposed_by")


class ApproveReversal(ReversalAction, Approve[Reversal]):
    form_class = ApproveReversalForm
    preview_template = "complaints/panels/reversal_card.html"

    def obstacle(self, obj: Reversal, by: User) -> Obstacle | None:
        return reversals.approve_obstacle(obj, by) or reversals.limit_obstacle(obj, by)

    def consequence(self, obj: Reversal, by: User) -> Text:
        if obj.refund.subscription.state != Subscription.State.ENDED:
            return say("What has not been used returns at once. What was used is charged only if you say so.")
        return say(
            "What has not been used returns at once. What was used is charged only if you say so; the subscription "
            "has ended, so billing asks for it by an invoice of its own."
        )

    def get_initial(self, rows: Sequence[Reversal], by: User) -> dict[str, Any]:
        return {"charge_used": rows[0].charge_used} if len(rows) == 1 else {}

    def preview_context(self, obj: Reversal, by: User, form: ActionForm) -> Mapping[str, Any]:
        return plan_context(obj.refund)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        reversal = reversals.approve_reversal(pk, by=by, **cleaned)
        refund = reversal.refund
        returned = money_text(reversal.recovered, refund.currency)
        if not reversal.due_again:
            return say("{refund} is reversed: {amount} returned.", refund=refund.code, amount=returned)
        return say(
            "{refund} is reversed: {amount} returned, {due} is due again.",
            refund=refund.code,
            amount=returned,
            due=money_text(reversal.due_again, refund.currency),
        )


class RejectReversal(ReversalAction, Reject[Reversal]):
    rule = reversals.decide_obstacle
    action = reversals.reject_reversal
    done = Sentence(_("{refund} stays as it is."), refund="refund.code")


class WithdrawReversal(ReversalAction, Withdraw[Reversal]):
    may = May.PROPOSE_REFUNDS
    form_class = ReasonForm
    rule = reversals.withdraw_obstacle
    action = reversals.withdraw_reversal
    done = Sentence(_("The reversal of {refund} is withdrawn."), refund="refund.code")


@admin.register(Reversal)
class ReversalAdmin(FourEyesAdmin[Reversal]):
    may_view = May.SEE_CASES
    staff_actions = (ApproveReversal, RejectReversal, WithdrawReversal)
    list_display = ("refund", "customer", "state_pill", "proposer", "amount")
    numeric_columns = ("amount",)
    list_filter = ("state",)
    list_select_related = ("refund__customer", "proposed_by")
    search_fields = ("refund__code", "refund__customer__name", "refund__customer__number")
    ordering = ("-proposed_at", "-pk")
    empty_hint = _("A settled refund is reversed from its page.")
    fields = ("refund_link", "state_pill", "reason", "used_is_charged", "people")
    readonly_fields = fields

    refund_link = column(link, "refund", description=_("Refund"))

    @admin.display(description=_("Customer"), ordering="refund__customer__name")
    def customer(self, obj: Reversal) -> str:
        return obj.refund.customer.name

    @admin.display(description=_("Proposed by"))
    def proposer(self, obj: Reversal) -> SafeString:
        return format_html("{}{}", obj.proposed_by, sub(when(obj.proposed_at)))

    amount = column(money, "refund.total", "refund.currency", description=_("Refund's amount"))

    @admin.display(description=_("What was used is charged"))
    def used_is_charged(self, obj: Reversal) -> Text:
        return say("yes") if obj.charge_used else say("no")

    @admin.display(description=_("People"))
    def people(self, obj: Reversal) -> SafeString:
        # Translators: who and when: "proposed by Ann Agent 10 Nov 2026, 09:12 CET"
        proposed = format_html(
            gettext("proposed by {person} {moment}"), person=obj.proposed_by, moment=when(obj.proposed_at)
        )
        if obj.decided_by is None:
            return proposed
        # Translators: who and when: "decided by Maja Manager 10 Nov 2026, 09:12 CET"
        decided = format_html(
            gettext("decided by {person} {moment}"), person=obj.decided_by, moment=when(obj.decided_at)
        )
        return format_html("{}<br>{}", proposed, decided)

    def page_title(self, obj: Reversal) -> str:
        return str(obj)

    def change_panels(self, request: StaffRequest, obj: Reversal) -> Sequence[Panel]:
        if obj.state == Reversal.State.APPROVED:
            shown: Mapping[str, Any] = _carried_out(obj)
            title = say("What was taken back")
        else:
            shown, title = plan_context(obj.refund), say("What it would come to now")
        return [
            Panel(title, "backoffice/panels/table.html", shown, side="right"),
            timeline_panel(Event.objects.about(obj.refund), about=obj.refund),
        ]

    def get_queryset_for_action(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset_for_action(request)
        return rows.select_related("refund__customer", "refund__complaint", "proposed_by", "decided_by")


def _carried_out(reversal: Reversal) -> Mapping[str, Any]:
    currency = reversal.refund.currency
    rows: list[tuple[Any, ...]] = [
        (
            format_html("{}{}", gettext(RemedyKind(entry["kind"]).label), sub(entry["why"])),
            money(Decimal(entry["recovered"]), currency),
            money(Decimal(entry["used"]), currency),
        )
        for entry in reversal.entries
    ]
    if reversal.due_again:
        rows.append(_due_again(reversal.refund, reversal.due_again))
    charged = money(reversal.charge.amount, currency) if reversal.charge else number(say("nothing"))
    rows.append((say("Charged on the next invoice"), "", charged))
    return {"headings": [say("Given as"), (say("Returned"), "n"), (say("Was used"), "n")], "rows": rows}


def waiting_reversals(request: StaffRequest) -> Panel | None:
    """Reversals that this person could decide on."""
    user = request.user
    if not user.may(May.APPROVE_REVERSAL):
        return None
    found = (
        Reversal.objects.filter(state=Reversal.State.PROPOSED)
        .exclude(proposed_by=user)
        .select_related("refund__customer", "proposed_by")
        .order_by("proposed_at")[:10]
    )
    rows = [
        (
            link(reversal, reversal.refund.code),
            format_html("{}{}", reversal.refund.customer.name, sub(say("by {person}", person=reversal.proposed_by))),
            number(money_text(reversal.refund.total, reversal.refund.currency)),
        )
        for reversal in found
    ]
    if not rows:
        return None
    return Panel(
        say("Reversals waiting for me"),
        "backoffice/panels/table.html",
        {"headings": [say("Refund"), say("Customer"), (say("Amount"), "n")], "rows": rows},
        side="right",
    )


register_home_panels(waiting_reversals)
