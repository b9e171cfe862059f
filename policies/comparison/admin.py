"""Two versions of a policy side by side, at an address of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import reverse

from core.text import say
from policies.comparison.rules import compare
from policies.versions.models import PolicyVersion

if TYPE_CHECKING:
    from backoffice.admin import TrackedAdmin as _Base
else:
    _Base = object


def comparison_url(before: PolicyVersion, after: PolicyVersion) -> str:
    """Where the two are compared."""
    return reverse("admin:policies_policyversion_compare", args=(before.pk, after.pk))


class PolicyComparison(_Base):
    """The page of a comparison, for the admin of the versions."""

    def compare_view(self, request: HttpRequest, before: int, after: int) -> HttpResponse:
        """What differs between two versions of one policy. Only reads; for whoever sees the policies."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise PermissionDenied  # before looking: whoever may not see them does not learn whether they are there
        found = {version.pk: version for version in self.get_queryset(request).filter(pk__in=(before, after))}
        try:
            old, new = found[before], found[after]
        except KeyError:
            raise Http404(say("There is no such version.")) from None
        if old.policy_id != new.policy_id:
            raise Http404(say("These are versions of two policies."))
        request.current_app = self.admin_site.name
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": say(
                "{policy}: version {older} and version {newer}",
                policy=new.policy,
                older=old.number,
                newer=new.number,
            ),
            "opts": self.opts,
            "before": old,
            "after": new,
            "comparison": compare(old.text, new.text, old.figures, new.figures),
        }
        return TemplateResponse(request, "policies/policy_comparison.html", context)
