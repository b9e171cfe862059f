"""The pages of messages and their templates."""

# ruff: noqa: F401
import messaging.notices.admin
import messaging.outbox.admin
import messaging.outbox.notifications
import messaging.templates.admin
