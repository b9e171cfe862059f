"""The pages of long work."""

# ruff: noqa: F401
import jobs.admin
import jobs.home
