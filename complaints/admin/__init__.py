"""The staff pages of complaints, refunds, incidents and policies, and the audit trail."""

from complaints.admin import documents as _documents  # noqa: F401 (registers the words of credit notes)
from complaints.admin import home as _home  # noqa: F401 (registers the cards of the home page)
from complaints.admin import search as _search  # noqa: F401 (registers what the search finds)
from complaints.admin.agreements import AgreementAdmin
from complaints.admin.back_tests import BackTestAdmin
from complaints.admin.cases import ComplaintAdmin
from complaints.admin.customers import MergingCustomerAdmin
from complaints.admin.incidents import IncidentAdmin
from complaints.admin.policies import PolicyAdmin, PolicyVersionAdmin
from complaints.admin.refunds import RefundAdmin
from complaints.admin.reversals import ReversalAdmin
from complaints.admin.trail import EventAdmin

__all__ = [
    "AgreementAdmin",
    "BackTestAdmin",
    "ComplaintAdmin",
    "EventAdmin",
    "IncidentAdmin",
    "MergingCustomerAdmin",
    "PolicyAdmin",
    "PolicyVersionAdmin",
    "RefundAdmin",
    "ReversalAdmin",
]
