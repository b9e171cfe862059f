"""The pages of policies and agreements."""

# ruff: noqa: F401
import policies.agreements.admin
import policies.agreements.merge_rules
import policies.versions.admin
