"""A moved end of service and other bank details are owed to the customer until every letter is sent, or somebody says
how they were told, or somebody without a hand in it why not.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.customers.actions import edit_customer
from accounts.customers.merge.actions import approve_merge, propose_merge
from accounts.customers.models import BankDetailsChange, Customer
from accounts.staff.models import User
from audit.models import Event
from billing.subscriptions.cancellations.actions import cancel_subscription, undo_cancellation
from billing.subscriptions.models import Subscription
from messaging.bounces.actions import record_bounce
from messaging.notices.actions import leave_untold, record_told
from messaging.notices.models import ChangeNotice
from messaging.outbox.actions import be_done_with, send_again
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.sending.actions import send_due
from tests import factories
from tests.complaints.refusals import assert_refused
from tests.messaging.mail_server import MailServer, mail_server

pytestmark = pytest.mark.django_db

IBAN, OTHER_IBAN = "DE89370400440532013000", "IT60X0542811101000000123456"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def agent() -> User:
    return factories.agent()


def customer_with(email: str = "old@example.com") -> Customer:
    return factories.CustomerFactory.create(email=email)


def new_account(customer: Customer, by: User, **changes: str) -> ChangeNotice:
    edit_customer(customer.pk, by=by, reason="By letter", **{"iban": IBAN, **changes})
    return ChangeNotice.objects.get(bank_details=BankDetailsChange.objects.latest("pk"))


def cancelled(by: User, email: str = "old@example.com") -> tuple[Subscription, ChangeNotice]:
    subscription = factories.open_subscription(customer_with(email), activated_on=factories.days_ago(3))
    cancel_subscription(subscription.pk, by=by, channel="email", requested_on=factories.today())
    return subscription, ChangeNotice.objects.get(subscription_id=subscription.pk)


def state_of(notice: ChangeNotice) -> str:
    return ChangeNotice.objects.get(pk=notice.pk).state


def owed_by(person: User) -> list[ChangeNotice]:
    return list(ChangeNotice.objects.owed_by(person).order_by("pk"))


# --- Letters ------------------------------------------------------------------------------------


def test_an_end_is_owed_until_its_letter_is_sent(agent: User, server: MailServer) -> None:
    _, notice = cancelled(agent)
    assert (notice.outcome, notice.state, notice.made_by) == ("end_moved", "owed", agent)
    send_due()
    assert state_of(notice) == "told"
    assert ChangeNotice.objects.get().met_at is not None


def test_a_letter_that_comes_back_has_told_nobody(agent: User, server: MailServer) -> None:
    _, notice = cancelled(agent)
    send_due()
    record_bounce(notice.letters.get().pk, by=agent, reason="No such mailbox")
    assert state_of(notice) == "owed"
    send_again(notice.letters.get().pk, by=agent, reason="They told us", recipient="new@example.com")
    assert state_of(notice) == "owed"
    send_due()
    assert state_of(notice) == "told"


def test_a_later_end_takes_over_what_is_owed_of_an_earlier_one(agent: User, server: MailServer) -> None:
    subscription, notice = cancelled(agent)
    undo_cancellation(subscription.pk, by=agent, reason="They stay")
    later = ChangeNotice.objects.latest("pk")
    assert (state_of(notice), later.state, later.ends_on) == ("taken_over", "owed", None)
    send_due()
    assert (state_of(notice), state_of(later)) == ("taken_over", "told")


def test_other_bank_details_are_told_once_the_old_and_the_new_address_have_them(
    agent: User, server: MailServer
) -> None:
    notice = new_account(customer_with(), agent, email="new@example.com")
    assert {letter.recipient for letter in notice.letters.all()} == {"old@example.com", "new@example.com"}
    server.to_recipient = ["550 no such mailbox", "250 OK"]
    send_due()
    assert state_of(notice) == "owed"
    record_told(notice.pk, by=factories.lead(), channel="letter", text="Your account is another.")
    assert state_of(notice) == "told"


def test_a_changed_address_does_not_draw_the_letter_away_from_the_old_one(agent: User) -> None:
    customer = customer_with()
    notice = new_account(customer, agent)
    edit_customer(customer.pk, by=agent, email="thief@example.com")
    assert notice.letters.get().recipient == "old@example.com"
    assert Delivery.objects.get(message__notice=notice).state == "queued"


def test_nobody_gives_up_the_letter_of_a_change_that_is_owed(agent: User) -> None:
    notice = new_account(customer_with(), agent)
    letter = notice.letters.get()
    assert_refused("change_owed", be_done_with, letter.pk, by=factories.lead(), reason="They know")
    leave_untold(notice.pk, by=factories.lead(), reason="They stood beside me.")
    be_done_with(letter.pk, by=agent, reason="They know")
    assert state_of(notice) == "dismissed"


def test_whoever_changed_the_account_sends_its_letter_nowhere_else(agent: User) -> None:
    notice = new_account(customer_with(""), agent)
    letter = notice.letters.get()
    assert letter.delivery.state == "no_address"
    wanted = {"reason": "Asked", "recipient": "thief@example.com"}
    assert_refused("own_notice", send_again, letter.pk, by=agent, **wanted)
    assert send_again(letter.pk, by=factories.lead(), **wanted).recipient == "thief@example.com"


# --- By word, or not at all ---------------------------------------------------------------------


def test_an_end_is_told_by_telephone_and_that_is_on_record(agent: User) -> None:
    _, notice = cancelled(agent, email="")
    assert_refused("reason_missing", record_told, notice.pk, by=agent, channel="phone", text=" ")
    assert_refused("permission", record_told, notice.pk, by=factories.auditor(), channel="phone", text="It ends.")
    record_told(notice.pk, by=agent, channel="phone", text="It ends.")
    notice = ChangeNotice.objects.get()
    assert (notice.state, notice.channel, notice.text, notice.met_by) == ("told", "phone", "It ends.", agent)
    event = Event.objects.get(verb="notice.told", outcome="done")
    assert (event.customer_id, event.data) == (notice.customer_id, {"outcome": "end_moved", "channel": "phone"})
    assert_refused("state", record_told, notice.pk, by=agent, channel="phone", text="Once more")
    # A letter that goes out now or comes back changes nothing.
    send_again(notice.letters.get().pk, by=agent, reason="Asked", recipient="new@example.com")
    assert state_of(notice) == "told"


def test_of_bank_details_whoever_changed_them_records_nothing(agent: User) -> None:
    notice = new_account(customer_with(""), agent)
    assert_refused("own_notice", record_told, notice.pk, by=agent, channel="phone", text="They know.")
    assert_refused("own_notice", leave_untold, notice.pk, by=agent, reason="They know.")
    record_told(notice.pk, by=factories.billing_clerk(), channel="in_person", text="Another account.")
    assert state_of(notice) == "told"


def test_only_somebody_else_leaves_an_end_untold(agent: User) -> None:
    _, notice = cancelled(agent, email="")
    assert_refused("own_notice", leave_untold, notice.pk, by=agent, reason="They know")
    assert_refused("reason_missing", leave_untold, notice.pk, by=factories.lead(), reason=" ")
    leave_untold(notice.pk, by=factories.lead(), reason="They have died.")
    notice = ChangeNotice.objects.get()
    assert (notice.state, notice.dismissed_reason) == ("dismissed", "They have died.")


# --- Whose it is --------------------------------------------------------------------------------


def test_an_end_is_the_makers_and_without_them_a_leads_or_clerks(agent: User) -> None:
    _, notice = cancelled(agent, email="")
    assert (owed_by(agent), owed_by(factories.lead()), owed_by(factories.billing_clerk())) == ([notice], [], [])
    agent.is_active = False
    agent.save()
    assert owed_by(factories.lead()) == owed_by(factories.billing_clerk()) == [notice]
    assert owed_by(factories.auditor()) == []


def test_bank_details_are_everybody_elses_at_the_desk(agent: User) -> None:
    notice = new_account(customer_with(""), agent)
    assert (owed_by(agent), owed_by(factories.lead()), owed_by(factories.billing_clerk())) == ([], [notice], [notice])
    clerk = factories.billing_clerk()
    mine = new_account(customer_with(""), clerk, iban=OTHER_IBAN)
    assert (owed_by(clerk), owed_by(factories.lead())) == ([notice], [notice, mine])


def test_the_database_keeps_one_notice_a_change(agent: User) -> None:
    notice = new_account(customer_with(), agent)
    _, end = cancelled(agent)
    now = {"made_by": agent, "arose_at": notice.arose_at, "customer": notice.customer}
    ended = {"outcome": "end_moved", "subscription_id": end.subscription_id, "subscription_number": "S-1"}
    for wrong in (
        ChangeNotice(outcome="bank_details", bank_details=notice.bank_details, **now),
        ChangeNotice(outcome="bank_details", **now),
        ChangeNotice(**ended, **now),
        ChangeNotice(outcome="end_moved", **now),
        ChangeNotice(**{**ended, "subscription_id": 0}, **now, state="told"),
        ChangeNotice(**{**ended, "subscription_id": 0}, **now, channel="phone", text="It ends"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong.save()


def test_letters_of_other_kinds_have_no_notice(agent: User) -> None:
    edit_customer(customer_with().pk, by=agent, name="Another name")
    assert not ChangeNotice.objects.exists()
    assert not OutgoingMessage.objects.exists()


# --- On pages -----------------------------------------------------------------------------------

HOME = "Changes that customers have to hear of"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def page(person: User, url: str) -> str:
    answer = signed_in(person).get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def press(person: User, action: str, notice: ChangeNotice, **typed: str) -> str:
    url = reverse("admin:messaging_changenotice_act", args=(action,))
    answer = signed_in(person).post(f"{url}?ids={notice.pk}", typed, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_is_owed_shows_on_the_customer_at_home_and_in_the_list_until_it_is_told(agent: User) -> None:
    subscription, notice = cancelled(agent, email="")
    customer = f"/accounts/customer/{notice.customer_id}/change/"
    listed = f"{reverse('admin:messaging_changenotice_changelist')}?state__exact=owed"
    own = f"/messaging/changenotice/{notice.pk}/change/"
    what = f"{subscription.number} ends after "
    for url in ("/", customer, listed, own):
        assert what in page(agent, url), url
    assert HOME in page(agent, "/")
    assert HOME not in page(factories.lead(), "/")

    assert "has been told" in press(agent, "told", notice, channel="phone", text="It ends in a fortnight.")
    assert HOME not in page(agent, "/")
    assert what not in page(agent, listed)
    assert "It ends in a fortnight." in page(agent, own)
    assert what in page(agent, customer)


def test_a_colleague_leaves_it_untold_from_its_page(agent: User) -> None:
    notice = new_account(customer_with(""), agent)
    assert "Other bank details" in page(factories.billing_clerk(), "/")
    assert "Other bank details" not in page(agent, "/")
    assert "somebody else has to do this" in press(agent, "leave", notice, reason="They know")
    assert state_of(notice) == "owed"
    assert "is not told" in press(factories.billing_clerk(), "leave", notice, reason="They stood here.")
    assert state_of(notice) == "dismissed"


def test_a_customer_who_is_merged_takes_what_is_owed_along(agent: User) -> None:
    _, notice = cancelled(agent, email="")
    lead, manager = factories.lead(), factories.manager()
    survivor = factories.CustomerFactory.create(currency=notice.customer.currency)
    merge = propose_merge(notice.customer_id, into_id=survivor.pk, by=lead, reason="The same")
    approve_merge(merge.pk, by=manager)
    assert ChangeNotice.objects.get(pk=notice.pk).customer == survivor
    assert "ends after" in page(agent, f"/accounts/customer/{survivor.pk}/change/")
