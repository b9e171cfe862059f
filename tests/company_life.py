"""A company that lives step by step, for tests that play its life in random order: who works there, what it sells,
how its days go by, and how customers subscribe, pay and leave.

Every step goes through the action that a page calls. The clock shows the step's day, at noon.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import models, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from audit.actions import Refused
from audit.models import Event
from billing.credits.actions import set_off_credit
from billing.credits.models import Credit
from billing.invoices.charges import actions as charges
from billing.invoices.models import Charge, Invoice, InvoiceVoid, WriteOff
from billing.invoices.voids import actions as voids
from billing.invoices.write_offs import actions as write_offs
from billing.money import round_money
from billing.payments.actions import record_payment
from billing.payments.bank_lines import actions as bank_lines
from billing.payments.corrections.actions import take_off_payment
from billing.payments.disputes import actions as disputes
from billing.payments.models import BankLine, Payment, SurplusCredit
from billing.payments.prepayments import actions as prepayments
from billing.payments.prepayments.models import Prepayment
from billing.payments.surplus import actions as surplus
from billing.plans import actions as plans
from billing.runs.actions import run_billing
from billing.runs.models import BillingRun
from billing.subscriptions.actions import open_subscription
from billing.subscriptions.cancellations.actions import cancel_subscription, undo_cancellation
from billing.subscriptions.models import PlanChange, Subscription
from billing.subscriptions.plan_changes import actions as plan_changes
from billing.usage.actions import Usage, record_usage
from demo.clock import Clock
from tests import factories
from tests.complaints.cases import Desk
from tests.complaints.refusals import Rows, assert_event_of, rows_of_every_table
from tests.money_invariants import check_billed, check_set_off_before_cash

MONTHS = 24
#: Activation days at the ends of months, so that every example meets the cut months, most of them 29 February.
ANCHORS = [
    date(2022, 5, 28),
    date(2022, 10, 29),
    date(2022, 8, 30),
    date(2023, 1, 31),
    date(2024, 2, 29),
    date(2023, 12, 31),
]
#: Monthly fees that no day or half divides evenly, and what a minute and an operation cost.
FEES = {
    "EUR": (Decimal("59.99"), Decimal("0.02"), Decimal("0.35")),
    "JPY": (Decimal(6001), Decimal(3), Decimal(40)),
    "KWD": (Decimal("18.505"), Decimal("0.0055"), Decimal("0.125")),
}
#: The refusals that change something: figures that differ at approval send the refund back to draft.
CHANGES = {"stale_quote"}

which = st.integers(0, 999)
yes_or_no = st.booleans()


def happens[F: Callable[..., None]](**arguments: st.SearchStrategy[Any]) -> Callable[[F], F]:
    """Marks what can happen in a life, with what is drawn for it.

    Not a rule of its own: for each example some of the rules are left out, and lives in which nobody decides or
    approves find little.
    """

    def mark(function: F) -> F:
        function.__dict__["arguments"] = arguments
        return function

    return mark


class Office:
    """What every example finds: people with limits, a plan with prices; made once."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.plan = factories.PlanFactory.create()
        self.bigger_plan = factories.PlanFactory.create()
        operation = factories.OperationFactory.create(code="FORWARD")
        for currency, (fee, minute, unit) in FEES.items():
            factories.approval_limits(Decimal(60), Decimal(100_000), currency)
            for term, months in (("monthly", 1), ("annual", 12)):
                terms = {"fee": fee * months, "minute_cost": minute, "included_minutes": 20 * months}
                factories.price(self.plan, term, currency=currency, **terms)
                factories.price(self.bigger_plan, term, currency=currency, **{**terms, "fee": fee * months * 2})
            factories.OperationCostFactory.create(operation=operation, currency=currency, unit_cost=unit)


class CompanyLife(RuleBasedStateMachine):
    """Days, subscriptions, prices, usage and money that comes in.

    Numbers drawn pick a row among those there are, so that examples can be replayed.
    """

    office: Office
    done: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(transaction.atomic())
        self.copied: dict[int, tuple[Any, ...]] = {}
        self.serial = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.stack.close()

    # --- What steps are made of -----------------------------------------------------------------

    @property
    def desk(self) -> Desk:
        return self.office.desk

    @property
    def today(self) -> date:
        return factories.today()

    def do(self, action: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Carry an action out. Returns None if it is refused, after seeing that the refusal left nothing behind."""
        before = rows_of_every_table()
        try:
            found = action(*args, **kwargs)
        except Refused as refused:
            self.refusal_left_nothing(refused, before)
            return None
        self.done[action.__name__] += 1
        return found

    def refusal_left_nothing(self, refused: Refused, before: Rows) -> None:
        after = rows_of_every_table()
        events = Event._meta.db_table
        assert after[events][:-1] == before[events], f"{refused.code}: more than one event"
        event = assert_event_of(refused)
        del before[events], after[events]
        changed = [table for table in after if after[table] != before[table]]
        assert not changed or refused.code in CHANGES, f"{refused.code}: {refused.message} changed {changed}"
        self.done[f"{event.verb} refused"] += 1

    def pick[M: models.Model](self, rows: models.QuerySet[M], number: int) -> M | None:
        found = list(rows.order_by("-pk")[:6])
        return found[number % len(found)] if found else None

    def bill(self) -> None:
        last = Invoice.objects.order_by("pk").values_list("pk", flat=True).last() or 0
        run = run_billing(self.today, by=self.desk.clerk)
        assert not run.problems
        check_billed(self.today, Invoice.objects.filter(pk__gt=last))
        check_set_off_before_cash()
        self.done["run_billing"] += 1

    # --- Subscriptions and days -----------------------------------------------------------------

    @initialize(anchor=st.sampled_from(ANCHORS), first=st.sampled_from(sorted(FEES)), annual=yes_or_no)
    def begin(self, anchor: date, first: str, annual: bool) -> None:
        self.clock = self.stack.enter_context(clock_on(anchor))
        self.last_day = factories.months_ago(-MONTHS, anchor)
        self.customers = [factories.CustomerFactory.create(currency=first) for _ in range(2)]
        # Of two customers: what one that ends leaves is not set off against the other's invoice of that day.
        self.open(0, first, annual)
        self.open(1, first, annual=False)

    def open(self, number: int, currency: str, annual: bool) -> None:
        opened = self.do(
            open_subscription,
            by=self.desk.clerk,
            customer_id=self.customers[number % 2].pk,
            plan_id=self.office.plan.pk,
            term="annual" if annual else "monthly",
            activated_on=self.today,
            currency=currency,
        )
        self.pay_all(opened)

    @happens(number=which, currency=st.sampled_from(sorted(FEES)), annual=yes_or_no)
    def open_another(self, number: int, currency: str, annual: bool) -> None:
        if Subscription.objects.count() < 4:
            self.open(number, currency, annual)

    @happens(
        days=st.sampled_from([1, 2, 5, 13, 28, 31, 45, 100]),
        step=st.sampled_from([1, 7, 100]),
        bills=st.sampled_from([True, True, True, False]),
        pays=yes_or_no,
    )
    def pass_days(self, days: int, step: int, bills: bool, pays: bool) -> None:
        """Time goes by: billing runs each day, weekly, once at the end, or is forgotten."""
        step = max(step, days // 7)
        end = min(self.today + timedelta(days=days), self.last_day)
        while self.today < end:
            day = min(self.today + timedelta(days=step), end)
            self.clock.now = factories.at(day)
            if bills:
                self.bill()
        if bills and pays:
            self.pay_all()

    def later(self, number: int) -> None:
        """After some steps days go by, told by the number drawn for the step: none, a week or a month."""
        if days := (0, 0, 7, 31)[number // 8 % 4]:
            self.pass_days(days=days, step=100, bills=True, pays=True)

    def pay_all(self, subscription: Subscription | None = None) -> None:
        owed = Invoice.objects.unpaid().filter(disputed_on__isnull=True)
        for invoice in owed.filter(period__subscription=subscription) if subscription else owed:
            record_payment(
                invoice.pk,
                by=self.desk.clerk,
                amount=invoice.due,
                received_on=self.today,
                reference="Transfer",
                another=True,
            )

    @happens()
    def bill_again(self) -> None:
        """A second run of a day, and a rehearsal, change nothing."""
        run_billing(self.today, by=self.desk.clerk)
        before = rows_of_every_table()
        run_billing(self.today, by=self.desk.clerk, dry_run=True)
        assert rows_of_every_table() == before
        run_billing(self.today, by=self.desk.clerk)
        after = rows_of_every_table()
        own = {model._meta.db_table for model in (BillingRun, BillingRun.history.model, Event)}
        assert [table for table in after if after[table] != before[table]] == [table for table in after if table in own]

    @happens(number=which, off=yes_or_no, late=st.sampled_from([0, 0, 3, 25]))
    def cancel_or_undo(self, number: int, off: bool, late: int) -> None:
        likely = Subscription.objects.filter(state=Subscription.State.ACTIVE if off else Subscription.State.CANCELLED)
        subscription = self.pick(likely if number % 5 < 4 else Subscription.objects.all(), number)
        if subscription is None:
            return
        asked = self.today - timedelta(days=late)
        if off:
            self.do(
                cancel_subscription,
                subscription.pk,
                by=self.desk.agent,
                channel="email",
                requested_on=asked,
            )
        else:
            self.do(undo_cancellation, subscription.pk, by=self.desk.agent, reason="Stays after all")
        self.later(number)

    @happens(number=which, ahead=st.sampled_from([0, 0, 10, 40]), fee=st.sampled_from([None, None, "third", 0]))
    def change_plan(self, number: int, ahead: int, fee: str | int | None) -> None:
        """Ask for the other plan, for its price or for a fee that billing agrees to."""
        if (subscription := self.pick(Subscription.objects.all(), number)) is None:
            return
        agreed: Decimal | None = None
        if fee is not None:
            whole = FEES[subscription.currency][0]
            agreed = round_money(whole / 3, subscription.currency) if fee else Decimal(0)
        plan = self.office.plan if subscription.plan_id == self.office.bigger_plan.pk else self.office.bigger_plan
        self.do(
            plan_changes.schedule_plan_change,
            subscription.pk,
            by=self.desk.agent if agreed is None else self.desk.clerk,
            plan_id=plan.pk,
            effective_on=self.today + timedelta(days=ahead),
            channel="phone",
            agreed_fee=agreed,
        )
        self.later(number)

    @happens(number=which)
    def take_back_plan_change(self, number: int) -> None:
        scheduled = PlanChange.objects.filter(state=PlanChange.State.SCHEDULED)
        if (change := self.pick(scheduled if number % 5 < 4 else PlanChange.objects.all(), number)) is not None:
            self.do(plan_changes.withdraw_plan_change, change.pk, by=self.desk.agent, reason="Not wanted any more")

    @happens(
        currency=st.sampled_from(sorted(FEES)), annual=yes_or_no, percent=st.sampled_from([50, 99, 133]), ahead=which
    )
    def publish_price(self, currency: str, annual: bool, percent: int, ahead: int) -> None:
        fee, minute, _ = FEES[currency]
        draft = self.do(
            plans.draft_price,
            by=self.desk.clerk,
            plan_id=self.office.plan.pk,
            term="annual" if annual else "monthly",
            currency=currency,
            valid_from=self.today + timedelta(days=ahead % 60 - 10),
            fee=round_money(fee * (12 if annual else 1) * percent / 100, currency),
            tax_rate=Decimal(19),
            minute_cost=minute if percent != 50 else Decimal(0),
        )
        self.do(plans.publish_price, draft.pk, by=self.desk.manager if ahead % 5 < 4 else self.desk.clerk)

    @happens(number=which, back=st.integers(0, 9), minutes=st.integers(1, 60), operations=st.integers(0, 3))
    def use(self, number: int, back: int, minutes: int, operations: int) -> None:
        subscription = self.pick(Subscription.objects.all(), number)
        assert subscription is not None
        self.serial += 1
        when = factories.at(self.today - timedelta(days=back))
        rows = [Usage(f"call-{self.serial}", when, seconds=minutes * 60 - 1)]
        if operations:
            rows.append(Usage(f"op-{self.serial}", when, operation="FORWARD", quantity=Decimal(operations)))
        self.do(record_usage, subscription.pk, rows, by=self.desk.clerk)

    # --- Money that comes in --------------------------------------------------------------------

    @happens(number=which, share=st.sampled_from([1, 2, 3]))
    def pay(self, number: int, share: int) -> None:
        if (
            invoice := self.pick(Invoice.objects.unpaid() if number % 5 < 4 else Invoice.objects.all(), number)
        ) is None:
            return
        amount = round_money(invoice.due / share, invoice.currency) + (number % 7 == 6)
        self.do(record_payment, invoice.pk, by=self.desk.clerk, amount=amount, received_on=self.today)

    @happens(
        number=which, more=st.sampled_from([1, 2]), by_bank=yes_or_no, credited=st.sampled_from([True, True, False])
    )
    def overpay(self, number: int, more: int, by_bank: bool, credited: bool) -> None:
        """More than is due comes in, or it all comes once more, by hand or on a bank's statement."""
        invoices = Invoice.objects.unpaid() if number % 2 else Invoice.objects.all()
        if (invoice := self.pick(invoices.filter(gross__gt=0), number)) is None:
            return
        amount = invoice.due + round_money(invoice.gross / more, invoice.currency)
        if not by_bank:
            paid = {"amount": amount, "received_on": self.today}
            if not credited:
                self.do(record_payment, invoice.pk, by=self.desk.clerk, **paid)
            else:
                again = {"reason": "It is on the statement", "another": number % 3 > 0}
                self.do(surplus.record_with_surplus, invoice.pk, by=self.desk.clerk, **paid, **again)
        elif (line := self.bank_line(amount, invoice)) is not None:
            matched = {"invoice_number": invoice.number, "surplus_to_credit": credited}
            self.do(bank_lines.match_bank_line, line.pk, by=self.desk.clerk, **matched)
            if not credited and number % 3:
                self.do(bank_lines.set_aside_bank_line, line.pk, by=self.desk.clerk, reason="It goes back")
        self.later(number)

    @happens(number=which, said=st.sampled_from(["yes", "yes", "no", "back"]))
    def decide_on_surplus(self, number: int, said: str) -> None:
        """A manager approves or rejects what a clerk says came in, or the clerk takes it back."""
        if (row := self.pick(SurplusCredit.objects.filter(state="proposed"), number)) is None:
            return
        if said == "yes":
            self.do(surplus.approve_surplus, row.pk, by=self.desk.director)
        elif said == "no":
            self.do(surplus.reject_surplus, row.pk, by=self.desk.director, reason="Nothing came")
        else:
            self.do(surplus.withdraw_surplus, row.pk, by=self.desk.clerk)

    @happens(number=which, said=st.sampled_from(["yes", "yes", "no", "back"]))
    def write_off(self, number: int, said: str) -> None:
        """What is due is given up, by two people; money may come in after all."""
        if number % 2 and (invoice := self.pick(Invoice.objects.unpaid(), number)) is not None:
            self.do(write_offs.propose_write_off, invoice.pk, by=self.desk.clerk, reason="They moved abroad")
        if (row := self.pick(WriteOff.objects.filter(state="proposed"), number)) is None:
            return
        if said == "yes":
            self.do(write_offs.approve_write_off, row.pk, by=self.desk.director)
        elif said == "no":
            self.do(write_offs.reject_write_off, row.pk, by=self.desk.director, reason="They will pay")
        else:
            self.do(write_offs.withdraw_write_off, row.pk, by=self.desk.clerk)
        self.later(number)

    @happens(number=which, said=st.sampled_from(["yes", "yes", "no", "back"]))
    def void(self, number: int, said: str) -> None:
        """An invoice turns out to be wrong, and two people void it."""
        if number % 2 and (invoice := self.pick(Invoice.objects.all(), number)) is not None:
            self.do(voids.propose_void, invoice.pk, by=self.desk.clerk, reason="Billed twice")
        if (row := self.pick(InvoiceVoid.objects.filter(state="proposed"), number)) is None:
            return
        if said == "yes":
            self.do(voids.approve_void, row.pk, by=self.desk.director)
        elif said == "no":
            self.do(voids.reject_void, row.pk, by=self.desk.director, reason="It is right")
        else:
            self.do(voids.withdraw_void, row.pk, by=self.desk.clerk)
        self.later(number)

    @happens(number=which)
    def set_off_a_credit(self, number: int) -> None:
        """What is left of a credit goes against what its customer owes."""
        if (credit := self.pick(Credit.objects.with_something_left(), number)) is not None:
            self.do(set_off_credit, credit.pk, by=self.desk.clerk)

    @happens(number=which)
    def take_off(self, number: int) -> None:
        """A payment turns out to belong elsewhere; its line is matched again another day."""
        if (payment := self.pick(Payment.objects.all(), number)) is not None:
            self.do(take_off_payment, payment.pk, by=self.desk.clerk, reason="It is another invoice's")
        self.later(number)

    @happens(
        number=which, share=st.sampled_from([1, 2]), goes=st.sampled_from(["hand", "hand", "bank", "off", "credit"])
    )
    def prepay(self, number: int, share: int, goes: str) -> None:
        """Money comes before its invoice, by hand or by a line of the bank; or what waits is taken off, or is a credit
        once the subscription has ended.
        """
        if goes in ("off", "credit"):
            if (row := self.pick(Prepayment.objects.with_something_left(), number)) is not None:
                if goes == "off":
                    self.do(prepayments.take_off_prepayment, row.pk, by=self.desk.clerk, reason="It is another's")
                else:
                    self.do(prepayments.credit_prepayment, row.pk, by=self.desk.director)
        elif (subscription := self.pick(Subscription.objects.running(), number)) is not None:
            period = subscription.periods.latest("sequence")
            amount = round_money(2 * period.fee / share + 3, period.currency)
            if goes == "bank":
                if (line := self.bank_line(amount, currency=period.currency)) is not None:
                    by = {"by": self.desk.clerk, "subscription_number": subscription.number}
                    self.do(bank_lines.match_to_subscription, line.pk, **by)
            else:
                paid = {"amount": amount, "received_on": self.today, "another": number % 3 > 0}
                self.do(prepayments.record_prepayment, subscription.pk, by=self.desk.clerk, **paid)
        self.later(number)

    @happens(number=which)
    def pay_by_bank(self, number: int) -> None:
        """A statement with just what is due, which finds its invoice by itself."""
        if (invoice := self.pick(Invoice.objects.unpaid(), number)) is not None:
            self.bank_line(invoice.due, invoice)

    def bank_line(self, amount: Decimal, invoice: Invoice | None = None, *, currency: str = "") -> BankLine | None:
        self.serial += 1
        said = f"Invoice {invoice.number}" if invoice is not None else "For what is to come"
        unit = currency or (invoice.currency if invoice is not None else "")
        text = f"{self.today},{amount},{unit},Payer {self.serial},{said}"
        self.do(bank_lines.import_bank, factories.bank_statement(text), by=self.desk.clerk)
        return BankLine.objects.filter(payer=f"Payer {self.serial}").first()

    @happens(number=which)
    def ask_for_charges(self, number: int) -> None:
        """What waits on an ended subscription is asked for; on a running one that is refused."""
        waiting = Charge.objects.filter(invoiced_on__isnull=True)
        ended = waiting.filter(subscription__state=Subscription.State.ENDED)
        if (charge := self.pick(ended if number % 5 < 4 else Charge.objects.all(), number)) is not None:
            self.do(charges.ask_for_charges, charge.pk, by=self.desk.clerk)

    @happens(number=which, starts=yes_or_no)
    def dispute(self, number: int, starts: bool) -> None:
        invoices = Invoice.objects.unpaid() if starts else Invoice.objects.filter(disputed_on__isnull=False)
        if (invoice := self.pick(invoices, number)) is None:
            return
        if starts:
            self.do(disputes.open_dispute, invoice.pk, by=self.desk.clerk, disputed_on=self.today, reason="Not ordered")
        else:
            self.do(disputes.end_dispute, invoice.pk, by=self.desk.clerk, reason="Cleared up")

    @happens(number=which, half=yes_or_no)
    def charge_back(self, number: int, half: bool) -> None:
        if (payment := self.pick(Payment.objects.select_related("invoice"), number)) is None:
            return
        amount = round_money(payment.amount / 2, payment.invoice.currency) if half else None
        self.do(
            disputes.record_chargeback,
            payment.pk,
            by=self.desk.clerk,
            taken_back_on=self.today,
            reason="No mandate",
            amount=amount,
        )
        self.later(number)


@contextmanager
def clock_on(day: date) -> Iterator[Clock]:
    """A clock that stands at noon of the day until it is set."""
    clock = Clock(factories.at(day))
    with clock.running():
        yield clock
