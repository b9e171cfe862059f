"""The pages that look across all."""

import reports.audit_trail.admin  # noqa: F401
