"""The yardstick of pages.py: Django's own admin on the same rows, as somebody would set it up in an afternoon.

Foreign keys are typed as keys: a select box of 100,000 customers would make any page look fast beside it. What our page
shows of a case or a customer stands in inlines.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import path

from accounts.customers.models import Contact, Customer
from billing.credits.models import Credit
from billing.invoices.models import Invoice
from billing.subscriptions.models import Subscription
from complaints.cases.models import Assessment, Complaint, Decision, Message, Note
from complaints.refunds.models import Approval, Contribution, Refund
from config.urls import urlpatterns as ours
from hardware.purchases.models import Purchase


class StockSite(admin.AdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Rendered with Django's templates: ours would take their place."""
        inner = super().admin_view(view, cacheable)

        def with_stock_templates(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            response = inner(request, *args, **kwargs)
            if isinstance(response, TemplateResponse):
                response.using = "stock"
            return response

        return with_stock_templates


site = StockSite("stock")


class Allowed:
    def has_module_permission(self, request: Any) -> bool:
        return True

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return True

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return True


def keys_of(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.name for field in model._meta.fields if field.many_to_one or field.one_to_one)


def inline(child: type[models.Model], key: str) -> type[admin.TabularInline[Any, Any]]:
    attributes = {"model": child, "fk_name": key, "extra": 0, "raw_id_fields": keys_of(child)}
    return type(f"{child.__name__}Inline", (Allowed, admin.TabularInline), attributes)


class Stock(Allowed, admin.ModelAdmin[Any]):
    list_per_page = 100


@admin.register(Complaint, site=site)
class StockComplaints(Stock):
    raw_id_fields = keys_of(Complaint)
    inlines = [inline(child, "complaint") for child in (Assessment, Decision, Message, Note, Refund)]
    list_display = ("code", "subject", "customer", "state", "decide_due_at", "category", "owner", "received_at")
    list_filter = ("state", "category", "severity")
    list_select_related = ("customer", "owner")
    search_fields = ("code", "subject", "customer__name")


@admin.register(Customer, site=site)
class StockCustomers(Stock):
    raw_id_fields = keys_of(Customer)
    inlines = [inline(child, "customer") for child in (Subscription, Invoice, Complaint, Contact, Purchase, Credit)]
    list_display = ("number", "name", "email", "phone", "country", "kind")
    list_filter = ("kind", "currency", "language")
    search_fields = ("name", "email", "number")


@admin.register(Refund, site=site)
class StockRefunds(Stock):
    raw_id_fields = keys_of(Refund)
    inlines = [inline(child, "refund") for child in (Contribution, Approval)]


class BareSite(StockSite):
    """The same without inlines: the row alone."""


bare = BareSite("bare")


class Bare(Stock):
    """To be registered for each model with its own keys."""


for _model in (Complaint, Customer, Refund):
    bare.register(_model, type(f"Bare{_model.__name__}", (Bare,), {"raw_id_fields": keys_of(_model)}))

urlpatterns = [path("stock/", site.urls), path("bare/", bare.urls), *ours]
