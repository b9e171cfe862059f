"""The frame of every page: what an app's ``admin.py`` is written against.

An app declares *what*: which permission sees a model, which actions staff have on it, which cards its page
shows. The frame does the rest: who may, the confirmation page, one transaction a row, a result a row, the
history::

    class ApproveRefund(StaffAction[Refund]):
        name = "approve"
        label = "Approve"
        label_plural = "Approve refunds"
        tone = "primary"
        may = (May.APPROVE_USAGE, May.APPROVE_SPECIAL)
        roles = roles_that(May.APPROVE_USAGE)

        def obstacle(self, obj, by):
            return guards.why_not_approve(obj, by=by)

        def consequence(self, obj, by):
            return f"{money(obj.total)} as credit on the next invoice"

        def run(self, pk, by, cleaned):
            refund = approve_refund(pk, by=by, reason=cleaned["reason"])
            return f"{refund} is approved."


    @admin.register(Refund)
    class RefundAdmin(TrackedAdmin):
        may_view = May.SEE_CASES
        staff_actions = (ApproveRefund, ReturnRefund, RejectRefund)
        list_display = ("code", "customer", "status", "amount")

Modules: ``actions`` (what staff do), ``admin`` (the base of every model's pages), ``panels`` (cards and the
home page), ``display`` (pills, amounts, times), ``confirmation`` (the shared page), ``history`` (who changed
what).
"""

from audit.backoffice.actions import (
    ActionForm,
    Done,
    NoReasonForm,
    OptionalReasonForm,
    PageAction,
    ReasonForm,
    StaffAction,
    allowed,
)
from audit.backoffice.admin import TrackedAdmin
from audit.backoffice.display import number, pill, sub, when
from audit.backoffice.lookups import LookupField
from audit.backoffice.panels import (
    Panel,
    home_panels,
    register_home_panel,
    register_later_panel,
    register_verbs,
    timeline_panel,
    verb_in_words,
)
from audit.backoffice.widgets import DateInput, DateTimeInput

__all__ = [
    "ActionForm",
    "DateInput",
    "DateTimeInput",
    "Done",
    "LookupField",
    "NoReasonForm",
    "OptionalReasonForm",
    "PageAction",
    "Panel",
    "ReasonForm",
    "StaffAction",
    "TrackedAdmin",
    "allowed",
    "home_panels",
    "number",
    "pill",
    "register_home_panel",
    "register_later_panel",
    "register_verbs",
    "sub",
    "timeline_panel",
    "verb_in_words",
    "when",
]
