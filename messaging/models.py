"""All models of the app, for Django, which looks for them here. Everybody else imports them from their rooms."""

from messaging.outbox.models import Delivery, DeliveryAttempt, OutgoingMessage
from messaging.templates.models import MessageTemplate

__all__ = ["Delivery", "DeliveryAttempt", "MessageTemplate", "OutgoingMessage"]
