"""The pages of messages and their templates."""

import messaging.outbox.admin
import messaging.templates.admin  # noqa: F401
