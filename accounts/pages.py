"""The pages of staff and customers."""

# ruff: noqa: F401
import accounts.company.admin
import accounts.company.home
import accounts.customers.admin
import accounts.customers.bank_details.admin
import accounts.customers.merge.admin
import accounts.customers.merge.home
import accounts.customers.search
import accounts.staff.admin
import accounts.staff.delegations.admin
import accounts.staff.home
import accounts.staff.limits.admin
import accounts.staff.limits.controls.admin
import accounts.staff.search
