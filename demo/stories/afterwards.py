"""What came after the refund: taken back, or given under terms agreed with one customer."""

from demo.cases import Case
from demo.steps import (
    acknowledge,
    approve,
    approve_reversal,
    assess,
    close,
    draft,
    propose,
    propose_reversal,
    reject_reversal,
    take,
    tell,
    uphold,
)

REVERSED = (
    Case(
        key="own-router",
        received=22,
        plan="OFFICE",
        day=6,
        term="annual",
        subject="Calls fall silent after one minute",
        text="Every call turns silent after a minute, the other side hears us, we hear nothing.",
        steps=(
            acknowledge(),
            take(0),
            assess(1, "One-way audio in our traces. A fault of the last switch update is likely."),
            uphold(1, "One-way audio in our own traces."),
            draft(2, "special", amount="24.00", justification="A week of calls without sound", evidence="Our traces"),
            propose(2, "Fault on our side, as far as we can see"),
            approve(3, "manager"),
            tell(3, "You are right, and we are sorry. You get a credit on the next invoice."),
            close(4),
            propose_reversal(
                9, "The customer's technician found the fault: their own router, set up by themselves", by="agent"
            ),
            approve_reversal(10, "manager2", "Confirmed by the customer in writing"),
        ),
    ),
    Case(
        key="paid-by-insurer",
        received=19,
        plan="SUITE",
        day=11,
        country="DE",
        subject="Export stops half way, work lost",
        text="The export of our month stopped half way and we typed it all again.",
        steps=(
            acknowledge(),
            assess(1, "A known fault of the version of that week."),
            uphold(2, "Fault of our software."),
            draft(
                2,
                "special",
                amount="15.00",
                justification="Half a day of work for nothing",
                evidence="Log of the broken export",
            ),
            propose(2, "Shown by the log"),
            approve(3, "manager2"),
            tell(3, "You get a credit for the work that was lost."),
            propose_reversal(12, "Their insurer has paid the same damage, so the customer wrote", by="lead"),
        ),
    ),
    Case(
        key="second-thoughts",
        received=24,
        plan="CONTACT",
        day=9,
        subject="Supervisors could not listen in",
        text="For two days our supervisors could not listen in to calls, although we pay for that.",
        steps=(
            acknowledge(),
            assess(1, "Listening in was switched off by a change of ours."),
            uphold(2, "Part of the service was missing."),
            draft(3, "special", amount="20.00", justification="Two days without a feature", evidence="Change log"),
            propose(3, "Our change"),
            approve(4, "manager"),
            tell(4, "The feature is back. You get a credit."),
            close(6),
            propose_reversal(8, "The change had been announced", by="agent2"),
            reject_reversal(9, "manager2", "It was announced to somebody who had left: our mistake, the credit stays"),
        ),
    ),
)

AGREED = (
    Case(
        key="agreed-terms",
        received=20,
        typed_after=1,
        plan="SUITE",
        day=4,
        country="DE",
        subject="Two hours without the suite on closing day",
        text="Two hours and a quarter on the last day of our quarter. Our agreement with you has words on this.",
        category="interruption",
        channel="letter",
        steps=(
            acknowledge(1),
            assess(2, "The slow suite of that morning, 2 h 15 min. Under the agreement outages count from one hour."),
            uphold(3, "Under the agreement with this customer an hour is enough."),
            draft(3, "interruption"),
            propose(3, "By the agreement"),
            approve(4, "lead2"),
            tell(4, "Under our agreement the interruption counts. You get a credit."),
            close(6),
        ),
    ),
)

CASES = (*REVERSED, *AGREED)
