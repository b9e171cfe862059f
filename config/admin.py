"""The back office: who gets in, what stands in its navigation, what the home page shows."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, get_script_prefix, path, reverse
from django.utils.translation import gettext_lazy

from accounts.staff.actions import change_own_password
from backoffice.admin import TrackedAdmin
from backoffice.badges import counts_of, in_words
from backoffice.panels import home_panels, later_panel
from backoffice.read_back import read_back
from backoffice.requests import StaffRequest, asked_once, staff
from backoffice.search import SHORTEST, Typed, only_exact, search
from config.help import help_for
from config.home import HOME
from config.navigation import NAVIGATION, TOP, NavigationEntry, NavigationGroup
from core.text import in_english, say


@cache
def _address(name: str, site: str, urls: str, below: str) -> str:
    """Where a list is, looked up once for each set of addresses and each place they are below: every page names all."""
    return reverse(name, urls, current_app=site)


class SignInForm(AdminAuthenticationForm):
    """Name and password, for active staff with a role."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": gettext_lazy("The name or the password is wrong. Capital letters matter in both."),
    }

    def confirm_login_allowed(self, user: Any) -> None:
        if not user.is_active or user.role_id is None:
            raise ValidationError(
                say("You have no role here (any more). An administrator can give you one."), code="no_role"
            )


class OwnPasswordForm(AdminPasswordChangeForm):
    """The old password and the new one; changing it is an action like any other."""

    def save(self, commit: bool = True) -> Any:
        self.user = change_own_password(by=self.user, password=self.cleaned_data["new_password1"])
        return self.user


class BackOfficeSite(admin.AdminSite):
    """The one admin site: our navigation, our home page, entry by role."""

    site_title = "Redress"
    site_header = "Redress"
    index_title = gettext_lazy("My work")
    site_url = None
    enable_nav_sidebar = True
    empty_value_display = "–"
    login_form = SignInForm
    password_change_form = OwnPasswordForm

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only pages on our frame: what packages bring along (groups, sign-in attempts, tasks) would
        come with delete buttons and outside the permission table.
        """
        if admin_class is not None and issubclass(admin_class, TrackedAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Active and with a role; Django's own staff flag opens nothing."""
        return request.user.is_authenticated and request.user.is_active and request.user.role_id is not None

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """The navigation, in the shape of Django's list of apps: a group has ``models``, each with its
        address.
        """
        if not self.has_permission(request):
            return []
        on_top = any(line["here"] for line in self.top_lines(request))
        groups = (self._group(request, group, elsewhere=on_top) for group in NAVIGATION)
        return [group for group in groups if group["models"]]

    @asked_once
    def top_lines(self, request: HttpRequest) -> list[dict[str, Any]]:
        """What stands above the groups, for those who see it."""
        lines = ((entry, self._line(request, entry)) for entry in TOP)
        return [
            {
                **line,
                "icon": entry.icon,
                "key": entry.key,
                "count": self._count(request, entry.count),
                "tone": entry.tone,
            }
            for entry, line in lines
            if line is not None
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if not context["has_permission"]:
            return context
        return {
            **context,
            "top_lines": self.top_lines(request),
            "my_work": self._count(request, "mine"),
            "narrow_nav": request.COOKIES.get("nav") == "narrow",
            "page_help": help_for(request),
        }

    def _count(self, request: HttpRequest, name: str) -> str:
        """A number of the navigation, nothing for none; all of them are asked for at once, once a request."""
        number = counts_of(staff(request)).get(name) if name else None
        return in_words(name, number) if number else ""

    def _group(self, request: HttpRequest, group: NavigationGroup, *, elsewhere: bool) -> dict[str, Any]:
        lines = [line for line in (self._line(request, entry) for entry in group.entries) if line is not None]
        here = [line for line in lines if line["here"] and not elsewhere]
        # Of a list and its filtered form only the closest is the current one.
        best = max(here, key=lambda line: line["fit"], default=None)
        for line in lines:
            line["current"] = line is best
        return {
            "name": group.label,
            "app_label": in_english(group.label).lower().replace(" ", "-"),
            "app_url": lines[0]["admin_url"] if lines else "",
            "icon": group.icon,
            "count": self._count(request, group.count),
            "key": group.key,
            "ruled": group.ruled,
            "personal": group.personal,
            "current": best is not None,
            "has_module_perms": bool(lines),
            "models": lines,
        }

    def _line(self, request: HttpRequest, entry: NavigationEntry) -> dict[str, Any] | None:
        app, _, name = entry.model.partition(".")
        try:
            model = apps.get_model(app, name)
        except LookupError:
            return None
        if not self.is_registered(model):
            return None
        pages = self.get_model_admin(model)
        base = _address(
            f"admin:{app}_{model._meta.model_name}_changelist", self.name, settings.ROOT_URLCONF, get_script_prefix()
        )
        url = f"{base}?{entry.query}" if entry.query else base
        label = entry.label or str(model._meta.verbose_name_plural).capitalize()
        if entry.action:
            action = pages.page_action(entry.action) if isinstance(pages, TrackedAdmin) else None
            if action is None or not action.allowed(request.user):
                return None
            url, label = f"{base}do/{action.name}/", entry.label or action.label
        elif entry.page:
            if not getattr(pages, f"may_see_{entry.page}")(request):
                return None
            url = f"{base}{entry.page}/"
        elif not pages.has_view_permission(request):
            return None
        place, _, query = url.partition("?")
        asked = set(request.META.get("QUERY_STRING", "").split("&"))
        here = request.path.startswith(place) and (not query or set(query.split("&")) <= asked)
        return {
            "model": model,
            "name": label,
            "object_name": model._meta.object_name,
            "admin_url": url,
            "add_url": None,
            "view_only": True,
            "here": here,
            "fit": len(place) + len(query),
        }

    def get_urls(self) -> list[URLPattern | URLResolver]:
        ours = [
            path("search/", self.admin_view(self.search), name="search"),
            path("home/<slug:name>/", self.admin_view(self.home_panel), name="home_panel"),
            path("read-back/", self.admin_view(read_back), name="read_back"),
        ]
        return [*ours, *super().get_urls()]

    def search(self, request: StaffRequest) -> HttpResponse:
        """Everything that somebody may see and that fits what they typed.

        ``part=options`` answers the box while somebody types; the page itself is for those without script. A whole
        code leads straight to what it names.
        """
        typed = Typed.of(request.GET.get("q", ""))
        groups = search(request.user, typed)
        found = {"looked_for": typed, "groups": groups, "shortest": SHORTEST}
        if request.GET.get("part") == "options":
            return TemplateResponse(request, "backoffice/search_options.html", found)
        exact = only_exact(groups)
        if exact is not None:
            return HttpResponseRedirect(exact.url)
        title = say("Search for “{text}”", text=typed.text) if typed.text else say("Search")
        return TemplateResponse(
            request, "backoffice/search.html", {**self.each_context(request), "title": title, **found}
        )

    def home_panel(self, request: HttpRequest, name: str) -> HttpResponse:
        """A card of the home page that comes after it: its content alone, or a page of its own without script."""
        panel = later_panel(name, staff(request))
        if panel is None:
            raise Http404("There is no such card for you.")
        if request.headers.get("HX-Request"):
            return TemplateResponse(request, "backoffice/panel_alone.html", {"panel": panel})
        return TemplateResponse(
            request,
            "backoffice/home_panel.html",
            {**self.each_context(request), "title": panel.title, "panels": [panel]},
        )

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Home: cards that the apps registered, warnings on top."""
        return super().index(request, {"panels": home_panels(staff(request), HOME), **(extra_context or {})})

    def app_index(  # type: ignore[override]
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is no page per app: work is grouped otherwise."""
        return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
