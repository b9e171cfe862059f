"""The staff pages of complaints, refunds, incidents and policies, and the audit trail."""

from complaints.admin.agreements import AgreementAdmin
from complaints.admin.cases import ComplaintAdmin
from complaints.admin.incidents import IncidentAdmin
from complaints.admin.policies import PolicyAdmin, PolicyVersionAdmin
from complaints.admin.refunds import RefundAdmin
from complaints.admin.reversals import ReversalAdmin
from complaints.admin.trail import EventAdmin

__all__ = [
    "AgreementAdmin",
    "ComplaintAdmin",
    "EventAdmin",
    "IncidentAdmin",
    "PolicyAdmin",
    "PolicyVersionAdmin",
    "RefundAdmin",
    "ReversalAdmin",
]
