"""All models of the app, for Django, which looks for them here. Everybody else imports them from their rooms."""

from policies.agreements.models import Agreement
from policies.versions.models import Policy, PolicyVersion

__all__ = ["Agreement", "Policy", "PolicyVersion"]
