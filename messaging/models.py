"""All models of the app, for Django, which looks for them here. Everybody else imports them from their rooms."""

from messaging.notices.models import ChangeNotice
from messaging.outbox.models import Delivery, DeliveryAttempt, OutgoingMessage
from messaging.templates.models import MessageTemplate

__all__ = ["ChangeNotice", "Delivery", "DeliveryAttempt", "MessageTemplate", "OutgoingMessage"]
