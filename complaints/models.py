"""All models of the app, for Django, which looks for them here. Everybody else imports them from their rooms."""

from complaints.back_tests.models import BackTest, BackTestCase
from complaints.cases.files.models import Attachment
from complaints.cases.models import (
    Assessment,
    Complaint,
    Correction,
    DeadlineBreach,
    Decision,
    Message,
    Note,
)
from complaints.digests.models import DigestTimes
from complaints.incidents.models import Incident, IncidentChange, IncidentScope
from complaints.notices.models import Notice
from complaints.refunds.models import Approval, Contribution, CountedIncident, Refund, Remedy
from complaints.reversals.models import Reversal
from complaints.signals.models import SignalReport, SignalWindow

__all__ = [
    "Approval",
    "Assessment",
    "Attachment",
    "BackTest",
    "BackTestCase",
    "Complaint",
    "Contribution",
    "Correction",
    "CountedIncident",
    "DeadlineBreach",
    "Decision",
    "DigestTimes",
    "Incident",
    "IncidentChange",
    "IncidentScope",
    "Message",
    "Note",
    "Notice",
    "Refund",
    "Remedy",
    "Reversal",
    "SignalReport",
    "SignalWindow",
]
