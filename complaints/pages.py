"""The pages of complaints, refunds and incidents."""

# ruff: noqa: F401
import complaints.back_tests.admin
import complaints.back_tests.job_kinds
import complaints.cases.admin
import complaints.cases.home
import complaints.cases.search
import complaints.digests.admin
import complaints.incidents.admin
import complaints.incidents.home
import complaints.incidents.search
import complaints.notices.panels
import complaints.refunds.admin
import complaints.refunds.customer_totals
import complaints.refunds.documents
import complaints.refunds.home
import complaints.refunds.inbox
import complaints.refunds.merge_rules
import complaints.refunds.search
import complaints.reversals.admin
import complaints.signals.admin
import complaints.signals.job_kinds
