"""Why a refund may not be drafted, edited, proposed or withdrawn now."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle
from billing.periods import months_before
from billing.subscriptions.models import BillingPeriod
from complaints.cases.guards import allowed, in_state, refund_in
from complaints.cases.models import Complaint, Decision
from complaints.cases.rules import lacks_consent
from complaints.refunds.models import Refund
from complaints.vocabulary import ComplaintRefusal
from core.text import lower, say
from policies.versions.models import GoverningTerms

State = Complaint.State

NEED_AN_UPHELD_COMPLAINT = (Refund.Basis.USAGE, Refund.Basis.INTERRUPTION)
#: The same as ``decision_obstacle`` finds, for whoever asks about many refunds.
DECIDED_FOR_ITS_BASIS = Q(complaint__state__in=(State.DECIDED, State.COMMUNICATED)) & (
    ~Q(basis__in=NEED_AN_UPHELD_COMPLAINT) | Q(complaint__decision__outcome__in=Decision.UPHELD)
)


def quote_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """Whether a refund may be drafted on the case."""
    found = allowed(by, May.PROPOSE_REFUNDS)
    if found:
        return found
    if complaint.state in (State.IN_REVIEW, State.WAITING, State.DECIDED, State.COMMUNICATED):
        return None
    return in_state(complaint, State.IN_REVIEW, State.DECIDED, State.COMMUNICATED)


def edit_obstacle(refund: Refund, by: User) -> Obstacle | None:
    return allowed(by, May.PROPOSE_REFUNDS) or refund_in(refund, Refund.State.DRAFT)


def propose_obstacle(refund: Refund, by: User) -> Obstacle | None:
    """Everything but the figures: the state, the decision that the basis needs (R2, R7), a lead's consent."""
    return edit_obstacle(refund, by) or decision_obstacle(refund) or consent_missing(refund.complaint, refund.period)


def decision_obstacle(refund: Refund) -> Obstacle | None:
    """Usage and interruption need an upheld complaint; the full month and special cases any decision."""
    complaint = refund.complaint
    found = in_state(complaint, State.DECIDED, State.COMMUNICATED)
    if found:
        return found
    decision: Decision | None = complaint.decision
    assert decision is not None
    if refund.basis in NEED_AN_UPHELD_COMPLAINT and not decision.is_upheld:
        return Obstacle(
            say(
                "{complaint} was rejected, and a refund by {basis} needs a complaint that is upheld, wholly or partly.",
                complaint=complaint.code,
                basis=lower(refund.get_basis_display()),
            ),
            code=ComplaintRefusal.NOT_UPHELD,
        )
    return None


def consent_missing(complaint: Complaint, period: BillingPeriod | None = None) -> Obstacle | None:
    """Whether a refund on the period (the complaint's own, unless another) still lacks a lead's consent."""
    if lacks_consent(complaint, period):
        return Obstacle(
            say("The complaint came, or was registered, long after its period: a team lead has to consent first."),
            code=ComplaintRefusal.CONSENT_MISSING,
        )
    return None


def full_months_obstacle(refund: Refund, terms: GoverningTerms) -> Obstacle | None:
    """Whether one more full month is more than the policy gives one subscription within 12 months (F5)."""
    if refund.basis != Refund.Basis.FULL_MONTH:
        return None
    most = terms.parameters.full_months_within_a_year
    a_year_ago = months_before(timezone.localdate(), 12)
    given = Refund.objects.counting().filter(
        subscription=refund.subscription_id, basis=Refund.Basis.FULL_MONTH, proposed_at__date__gt=a_year_ago
    )
    count = given.exclude(pk=refund.pk).count()
    if count < most:
        return None
    return Obstacle(
        say(
            "{subscription} was given {count} full months within the last 12 months, pending ones included, and "
            "{document} allows {most}. More needs an agreement with the customer.",
            subscription=refund.subscription.number,
            count=count,
            document=terms.source_of("full_months_within_a_year"),
            most=most,
        ),
        code=ComplaintRefusal.FULL_MONTHS,
    )


def justification_obstacle(refund: Refund) -> Obstacle | None:
    """The full month needs a written justification (F5), a special case also its evidence (R7)."""
    if refund.basis in (Refund.Basis.FULL_MONTH, Refund.Basis.SPECIAL) and not refund.justification.strip():
        return Obstacle(
            say("Write down the justification: this basis is never automatic."),
            code=ComplaintRefusal.JUSTIFICATION_MISSING,
        )
    if refund.basis == Refund.Basis.SPECIAL and not refund.evidence.strip():
        return Obstacle(say("Name the evidence for the special case."), code=ComplaintRefusal.EVIDENCE_MISSING)
    return None


def withdraw_refund_obstacle(refund: Refund, by: User) -> Obstacle | None:
    """One's own draft or proposal; another's needs a lead."""
    found = allowed(by, May.PROPOSE_REFUNDS) or refund_in(refund, Refund.State.DRAFT, Refund.State.PROPOSED)
    if found:
        return found
    if by.pk in (refund.drafted_by_id, refund.proposed_by_id):
        return None
    return allowed(by, May.WITHDRAW_REFUNDS_OF_OTHERS)
