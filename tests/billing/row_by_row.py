"""A billing run written the plain way: one subscription after another, ``save()`` for every row.

It is what the set-based run has to come to, and what benchmarks set it beside. What it shares with the run are the
functions that build a period and an invoice of its fee, and the set-off of what a subscription left; how charges,
credits and plan changes go together is said here once more, and so is what a customer is told.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from accounts.numbers.models import next_day, next_number
from accounts.staff.models import User
from audit.actions import Refused
from audit.context import acting
from audit.models import Event
from billing.credits.actions import set_off_credit
from billing.credits.models import Credit, CreditApplication
from billing.credits.rules import left_beside_debts
from billing.invoices.issuing import build_invoice, build_line
from billing.invoices.models import Charge, Invoice, InvoiceLine
from billing.money import format_amount, split_gross
from billing.subscriptions.actions import TermsInForce
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription
from billing.subscriptions.plan_changes.actions import scheduled_change
from core.text import in_english
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.templates.models import MessageTemplate
from messaging.templates.reader import Reader
from messaging.templates.rendering import render


def bill_row_by_row(today: date, *, by: User, at_most: int | None = None) -> None:
    """Bring every subscription that is due as far as the day, the longest overdue first; ``at_most`` so many steps."""
    with acting(user=by):
        passed: list[int] = []
        steps = 0
        while at_most is None or steps < at_most:
            period = (
                BillingPeriod.objects.filter(state="open", closes_on__lte=today)
                .exclude(subscription__state="ended")
                .exclude(pk__in=passed)
                .select_related("subscription__plan")
                .order_by("closes_on", "subscription_id")
                .first()
            )
            if period is None:
                break
            steps += 1
            try:
                with transaction.atomic():
                    _bill(period, today, by)
            except Refused as refused:
                passed.append(period.pk)
                data = {"code": refused.code, **refused.data}
                _event(period.subscription, by, in_english(refused.message), data, outcome="refused")
        for invoice in Invoice.objects.due_before(today).order_by("pk"):
            invoice.state = Invoice.State.OVERDUE
            _save(invoice, "Past its due date")
        for credit in list(left_beside_debts()):
            # Another one of the customer's may have borne the debt by now.
            with suppress(Refused):
                set_off_credit(credit.pk, by=by, on=today, reason="The subscription has ended")


def _bill(period: BillingPeriod, today: date, by: User) -> None:
    subscription, day = period.subscription, period.closes_on
    change = scheduled_change(subscription.pk)
    ends = subscription.cancelled_on is not None and subscription.cancelled_on < day
    following = None
    if not ends:
        terms = TermsInForce(day, None, {subscription.pk: change} if change else None)
        following = terms.period(
            Subscription.objects.select_related("plan").get(pk=subscription.pk), period.sequence + 1
        )
    period.state = BillingPeriod.State.ENDED
    period.save()
    if following is None:
        subscription.state = Subscription.State.ENDED
        subscription.ended_on = day
        subscription.save()
        if change:
            change.state = PlanChange.State.WITHDRAWN
            _save(change, "The subscription has ended")
        data = {"period": period.pk, "ended_on": day.isoformat()}
        _event(subscription, by, f"It ended with its period, on {day}.", data)
        return
    following.save()
    if change and change.effective_on <= day:
        subscription.plan, subscription.agreed_fee = change.plan, change.agreed_fee
        _save(subscription, "A scheduled change of plan takes effect")
        change.state = PlanChange.State.APPLIED
        change.applied_period = following
        _save(change, "Its first period has begun")
    _invoice(following, today, by)


def _invoice(period: BillingPeriod, today: date, by: User) -> None:
    subscription = period.subscription
    day = next_day("invoice", today)
    invoice = build_invoice(period, on=day, number=f"{day.year}-{next_number(f'invoice-{day.year}'):06d}")
    lines = [build_line(invoice)]
    waiting = Charge.objects.filter(subscription=subscription, invoiced_on=None, currency=period.currency)
    charges = list(waiting.order_by("charged_on", "pk"))
    for charge in charges:
        net, tax = split_gross(charge.amount, charge.tax_rate, charge.currency)
        lines.append(
            InvoiceLine(
                invoice=invoice, position=len(lines) + 1, charge=charge, text=charge.reason, tax_rate=charge.tax_rate,
                net=net, tax=tax, gross=charge.amount,
            )
        )  # fmt: skip
    invoice.net = sum((line.net for line in lines), Decimal(0))
    invoice.tax = sum((line.tax for line in lines), Decimal(0))
    invoice.gross = sum((line.gross for line in lines), Decimal(0))
    uses = []
    for credit in Credit.objects.filter(subscription=subscription).with_something_left().order_by("granted_on", "pk"):
        part = min(credit.remaining, invoice.gross - invoice.credited)
        if part > 0:
            invoice.credited += part
            uses.append((credit, part))
    invoice.state = "paid" if invoice.gross == invoice.credited else "issued"
    invoice.save()
    for line in lines:
        line.invoice = invoice
        line.save()
    applications = []
    for credit, part in uses:
        application = CreditApplication(credit=credit, invoice=invoice, amount=part, applied_on=invoice.issued_on)
        application.save()
        applications.append(application)
        credit.applied += part
        _save(credit, "Used on an invoice")
    if applications:
        _tell(invoice, subscription, applications, by)
    for charge in charges:
        charge.invoiced_on = invoice.issued_on
        _save(charge, "Asked for on an invoice")
    unit = invoice.currency
    gross, credited = format_amount(invoice.gross, unit), format_amount(invoice.credited, unit)
    message = f"Invoice {invoice.number} for {period.in_figures}: {gross} {unit}"
    if uses:
        message += f", of which credits bear {credited}"
    data = {"period": period.pk, "invoice": invoice.number, "gross": gross, "credited": credited, "currency": unit}
    _event(subscription, by, f"{message}.", data)


def _tell(invoice: Invoice, subscription: Subscription, uses: list[CreditApplication], by: User) -> None:
    customer, unit = invoice.customer, invoice.currency
    template = MessageTemplate.objects.get(kind="credit_applied", language=customer.language)
    reader = Reader(customer.language)
    left = sum((use.credit.remaining for use in uses), Decimal(0))
    words = render(
        "credit_applied",
        template.subject,
        template.body,
        {
            "name": customer.name,
            "company": "The company",
            "contact": "",
            "company_address": "",
            "registration_number": "",
            "tax_number": "",
            "invoice": invoice.number,
            "subscription": subscription.number,
            "amount": reader.money(invoice.credited, unit),
            "due": reader.money(invoice.gross - invoice.credited, unit),
            "nothing_due": "yes" if invoice.gross == invoice.credited else "",
            "due_on": reader.day(invoice.due_on),
            "remaining": reader.money(left, unit) if left else "",
        },
    )
    now = timezone.now()
    message = OutgoingMessage(
        key=f"credit_applied:{uses[-1].pk}", kind="credit_applied", language=customer.language, customer=customer,
        recipient=customer.email, subject=words.subject, body=words.body, template=template, queued_by=by,
        queued_at=now,
    )  # fmt: skip
    message.save()
    if customer.email:
        Delivery(message=message, state="queued", next_attempt_at=now).save()
    else:
        Delivery(message=message, state="no_address", note="There was no e-mail address on file.").save()


def _save(row: Subscription | PlanChange | Invoice | Credit | Charge, reason: str) -> None:
    row._change_reason = reason  # type: ignore[union-attr]
    row.save()


def _event(
    subscription: Subscription, by: User, message: str, data: dict[str, object], *, outcome: str = "done"
) -> None:
    Event(
        at=timezone.now(),
        actor=by,
        actor_name=by.get_full_name() or by.get_username(),
        actor_role=by.role_name or "",
        verb="subscription.bill",
        outcome=outcome,
        target_type="billing.subscription",
        target_id=subscription.pk,
        target_label=subscription.number,
        customer_id=subscription.customer_id,
        message=message,
        data=data,
    ).save()
