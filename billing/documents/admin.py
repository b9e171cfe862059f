"""Pages of a document: one that prints well, and the PDF."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.company.models import Logo
from backoffice.admin import TrackedAdmin
from backoffice.panels import Panel
from billing.documents.content import Document
from core.text import say


class DocumentPages[M: Model](TrackedAdmin[M]):
    """Adds the two addresses and a card that leads to them. Whoever sees the row sees its document."""

    def document_of(self, obj: M) -> Document:
        """What stands on the row's document."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        info = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/document/", view(self._document_view), name=f"{info}_document"),
            path("<int:pk>/document.pdf", view(self._pdf_view), name=f"{info}_pdf"),
            *super().get_urls(),
        ]

    def document_panel(self, obj: models.Model) -> Panel:
        """A card with the ways to the document."""
        urls = {"page_url": self.url_of("document", obj.pk), "pdf_url": self.url_of("pdf", obj.pk)}
        return Panel(say("Document"), "billing/panels/document.html", urls, side="right")

    def _document(self, request: HttpRequest, pk: int) -> Document:
        if not self.has_view_permission(request):
            raise PermissionDenied
        obj = self.get_queryset(request).filter(pk=pk).first()
        if obj is None:
            raise Http404(say("There is no such document."))
        return self.document_of(obj)

    def _document_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        document = self._document(request, pk)
        urls = {"back_url": self.url_of("change", pk), "pdf_url": self.url_of("pdf", pk)}
        return TemplateResponse(request, "billing/document.html", {"document": document, **urls})

    def _pdf_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        # Here, not above: drawing letters takes half a second to import, which only this page is worth.
        from billing.documents.pdf import to_pdf

        document = self._document(request, pk)
        logo = Logo.objects.filter(pk=document.logo_id).first() if document.logo_id is not None else None
        response = HttpResponse(to_pdf(document, bytes(logo.png) if logo else None), content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="{document.file_name}"'
        return response
