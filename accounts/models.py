"""All models of the app, for Django, which looks for them here. Everybody else imports them from their rooms."""

from accounts.company.models import CompanyProfile, Logo
from accounts.customers.models import BankDetailsChange, Contact, Customer, CustomerMerge
from accounts.numbers.models import NumberSeries
from accounts.staff.models import ApprovalLimit, ControlLimit, Delegation, StaffChange, Team, User

__all__ = [
    "ApprovalLimit",
    "BankDetailsChange",
    "CompanyProfile",
    "Contact",
    "ControlLimit",
    "Customer",
    "CustomerMerge",
    "Delegation",
    "Logo",
    "NumberSeries",
    "StaffChange",
    "Team",
    "User",
]
