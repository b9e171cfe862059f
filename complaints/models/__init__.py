"""Policies, incidents, complaints and refunds."""

from complaints.models.back_tests import BackTest, BackTestCase
from complaints.models.cases import (
    Assessment,
    Attachment,
    Complaint,
    DeadlineBreach,
    Decision,
    Message,
    Note,
)
from complaints.models.incidents import Incident, IncidentScope
from complaints.models.policies import Policy, PolicyVersion
from complaints.models.refunds import Approval, Contribution, Refund, Remedy, Reversal

__all__ = [
    "Approval",
    "Assessment",
    "Attachment",
    "BackTest",
    "BackTestCase",
    "Complaint",
    "Contribution",
    "DeadlineBreach",
    "Decision",
    "Incident",
    "IncidentScope",
    "Message",
    "Note",
    "Policy",
    "PolicyVersion",
    "Refund",
    "Remedy",
    "Reversal",
]
