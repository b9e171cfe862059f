"""What was done with people: staff and customers, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import EventVerb, RefusalCode


class AccountVerb(EventVerb):
    """What was done with people: staff and customers."""

    BANK_DETAILS_CONFIRM = "bank_details.confirm", _("confirmed the new bank details:")
    CUSTOMER_CREATE = "customer.create", _("entered the customer")
    CUSTOMER_EDIT = "customer.edit", _("changed the details of the customer")
    CUSTOMER_MERGE_PROPOSE = "customer.merge_propose", _("proposed to merge the customer")
    CUSTOMER_MERGE_REJECT = "customer.merge_reject", _("rejected the merge of the customer")
    CUSTOMER_MERGE_WITHDRAW = "customer.merge_withdraw", _("took back the proposal to merge the customer")
    CUSTOMER_MERGE = "customer.merge", _("merged the customer")
    CONTACT_ADD = "contact.add", _("added the contact")
    CONTACT_EDIT = "contact.edit", _("changed the contact")
    CONTACT_RETIRE = "contact.retire", _("retired the contact")
    DELEGATION_GIVE = "delegation.give", _("named the deputy")
    DELEGATION_REVOKE = "delegation.revoke", _("revoked the delegation")
    DIGEST_TIMES_CHOOSE = "digest_times.choose", _("chose the times of their digest")
    STAFF_LANGUAGE = "staff.language", _("chose the language of their pages")
    STAFF_CREATE = "staff.create", _("entered the person")
    STAFF_PASSWORD = "staff.password", _("changed the password of")
    STAFF_BOOTSTRAP = "staff.bootstrap", _("made the first people")
    BATCH_APPROVE = "batch.approve", _("approved at once")
    LIMIT_DRAFT = "limit.draft", _("drafted the limit")
    LIMIT_PUBLISH = "limit.publish", _("published the limit")
    CONTROL_LIMIT_DRAFT = "control_limit.draft", _("drafted the control limit")
    CONTROL_LIMIT_PUBLISH = "control_limit.publish", _("published the control limit")
    COMPANY_DRAFT = "company.draft", _("drafted the company profile")
    COMPANY_PUBLISH = "company.publish", _("published the company profile")
    TEAM_CREATE = "team.create", _("made the team")
    STAFF_CHANGE_DRAFT = "staff_change.draft", _("drafted the change:")
    STAFF_CHANGE_PUBLISH = "staff_change.publish", _("published the change:")
    STAFF_CHANGE_DISCARD = "staff_change.discard", _("discarded the change:")


class AccountRefusal(RefusalCode):
    """Rules about people: staff and customers."""

    MERGED = "merged", "the customer was merged into another"
    FIXED = "fixed", "these fields cannot be changed"
    CURRENCY_IN_USE = "currency_in_use", "subscriptions keep the currency"
    TAX_NUMBER = "tax_number", "no valid tax number"
    INCOMPLETE = "incomplete", "something needed is missing"
    PICTURE = "picture", "no picture that can be read"
    POSTCODE = "postcode", "no postcode of the country"
    BANK_DETAILS_UNCONFIRMED = "bank_details_unconfirmed", "a change of bank details needs a second person"
    OWN_CHANGE = "own_change", "whoever changed the bank details does not confirm them"
    SUPERSEDED = "superseded", "the bank details were changed once more"
    ROLE = "role", "no such role"
    LEAD = "lead", "this person cannot lead the team"
    MANAGERS = "managers", "two managers are due"
    LAST_ADMINISTRATOR = "last_administrator", "nobody could draft changes of staff any more"
    PASSWORD = "password", "the password is too weak"
    SYSTEM = "system", "the system user has no role"
    DRAFT_OPEN = "draft_open", "a change is drafted already"
    OWN = "own", "the change is about the person themself"
    SELF = "self", "nobody stands in for themself"
    DEPUTY = "deputy", "this person cannot stand in"
    PAST = "past", "the day is over"
    DAYS = "days", "too many days, or none"
    OVERLAP = "overlap", "they stand in on some of these days already"
    LANGUAGE = "language", "the pages are not in this language"
    TIMES = "times", "no valid times of day"
    WEEKDAYS = "weekdays", "no valid days of the week"
    BANK_DETAILS = "bank_details", "a change of bank details waits"
    MERGE_STALE = "merge_stale", "the two customers differ in other ways than when their merge was proposed"
