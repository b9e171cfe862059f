"""What was done with policies and agreements, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import EventVerb, RefusalCode


class PolicyVerb(EventVerb):
    """What was done with policies and agreements."""

    AGREEMENT_DRAFT = "agreement.draft", _("drafted the agreement")
    AGREEMENT_EDIT = "agreement.edit", _("changed the draft of the agreement")
    AGREEMENT_PUBLISH = "agreement.publish", _("published the agreement")
    AGREEMENT_DISCARD = "agreement.discard", _("discarded the draft of the agreement")
    POLICY_DRAFT = "policy.draft", _("drafted")
    POLICY_EDIT_DRAFT = "policy.edit_draft", _("changed the draft of")
    POLICY_PUBLISH = "policy.publish", _("published")
    POLICY_DISCARD = "policy.discard", _("discarded")


class PolicyRefusal(RefusalCode):
    """Rules about policies and agreements."""

    PARAMETERS = "parameters", "the parameters do not fit"
    TERMS = "terms", "no valid terms of an agreement"
    AGREEMENT = "agreement", "an agreement stands in the way"
    CONTROL = "control", "beyond the control limits"
