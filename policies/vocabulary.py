"""What was done with policies and agreements, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from audit.vocabulary import EventVerb, RefusalCode


class PolicyVerb(EventVerb):
    """What was done with policies and agreements."""

    AGREEMENT_DRAFT = "agreement.draft", gettext_lazy("drafted the agreement")
    AGREEMENT_EDIT = "agreement.edit", gettext_lazy("changed the draft of the agreement")
    AGREEMENT_PUBLISH = "agreement.publish", gettext_lazy("published the agreement")
    AGREEMENT_DISCARD = "agreement.discard", gettext_lazy("discarded the draft of the agreement")
    POLICY_DRAFT = "policy.draft", gettext_lazy("drafted")
    POLICY_EDIT_DRAFT = "policy.edit_draft", gettext_lazy("changed the draft of")
    POLICY_PUBLISH = "policy.publish", gettext_lazy("published")
    POLICY_DISCARD = "policy.discard", gettext_lazy("discarded")


class PolicyRefusal(RefusalCode):
    """Rules about policies and agreements."""

    PARAMETERS = "parameters", "the parameters do not fit"
    TERMS = "terms", "no valid terms of an agreement"
    AGREEMENT = "agreement", "an agreement stands in the way"
