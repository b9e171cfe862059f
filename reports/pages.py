"""The pages that look across all."""

# ruff: noqa: F401
import reports.audit_trail.admin
import reports.statistics.home
