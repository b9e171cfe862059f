"""What is done with usage on pages: entered for a period, taken from a file, corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.imports.frame import ImportRefused
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Refused
from backoffice.actions import ActionForm, PageAction, StaffAction, of_row
from backoffice.display import PillTone, number, pill
from billing.subscriptions.models import BillingPeriod
from billing.usage.actions import as_corrected, correct_usage, correction_obstacle, enter_usage
from billing.usage.forms import CorrectUsageForm, EnterUsageForm, UsageFileForm
from billing.usage.imports.actions import USAGE, UsageFile
from billing.usage.models import UsageKind, UsageRecord
from core.sheets.report import Report, RowOutcome, RowResult
from core.text import Text, counted, join, say, say_count

#: So many refused rows are named when a file is refused; so many rows of the report are shown.
NAMED = 5
SHOWN = 200


class EnterUsage(StaffAction[BillingPeriod]):
    """Typed for one period; ``enter_usage`` says what it may be."""

    name = "enter_usage"
    label = _("Enter usage")
    icon = "plus"
    may = May.IMPORT
    form_class = EnterUsageForm
    intro = _("For a few figures; files of calls are imported in the list of usage.")

    def queryset(self, rows: QuerySet[BillingPeriod]) -> QuerySet[BillingPeriod]:
        return rows.select_related("subscription")

    def get_initial(self, rows: Sequence[BillingPeriod], by: User) -> dict[str, Any]:
        return {"day": min(rows[0].last_day, timezone.localdate())} if len(rows) == 1 else {}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        added = enter_usage(pk, by=by, **cleaned)
        if not added:
            return say("This was entered before: nothing is added.")
        return say_count("{count} record of usage is added.", "{count} records of usage are added.", added)


class CorrectUsage(StaffAction[UsageRecord]):
    name = "correct"
    label = _("Correct")
    icon = "pencil"
    may = May.IMPORT
    form_class = CorrectUsageForm
    rule = of_row(correction_obstacle)
    action = correct_usage
    effect = _(
        "The record stays, and one more with the difference counts beside it. Refunds that were settled stay as they "
        "are; a proposal is computed again when it is approved."
    )
    done = _("The usage {record} is corrected.")

    def queryset(self, rows: QuerySet[UsageRecord]) -> QuerySet[UsageRecord]:
        return rows.select_related("subscription").prefetch_related("corrections")

    def get_initial(self, rows: Sequence[UsageRecord], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        seconds, quantity = as_corrected(rows[0])
        if rows[0].kind == UsageKind.CALL:
            return {"minutes": f"{seconds // 60}:{seconds % 60:02d}"}
        return {"quantity": quantity.normalize() if quantity else Decimal(0)}


class ImportUsage(PageAction):
    """The command's action, with its report by row."""

    name = "import"
    label = _("Import usage")
    icon = "file-up"
    tone = "primary"
    may = May.IMPORT
    form_class = UsageFileForm
    submit_label = _("Import it")
    preview_template = "billing/preview_usage.html"
    previews_input = True
    intro = _(
        "Calls and operations, each once, by the source's own id; a file that was imported before adds nothing. "
        "The preview says what would become of every row."
    )

    def preview_context(self, by: User, form: ActionForm) -> Mapping[str, Any]:
        if not (form.is_bound and form.is_valid()):
            return {}
        file: UsageFile = form.cleaned_data["usage"]
        report = USAGE.preview(file.rows, by=by, today=timezone.localdate(), partial=form.cleaned_data["partial"])
        return {
            "counts": report.counts(),
            "headings": [(say("Row"), "n"), say("External id"), say("What becomes of it")],
            "rows": [
                (number(result.row), result.number, format_html("{} {}", _pill(result), _words(result)))
                for result in report.results[:SHOWN]
            ],
            "more": max(0, len(report.results) - SHOWN),
        }

    def run(self, by: User, cleaned: dict[str, Any]) -> Text:
        file: UsageFile = cleaned["usage"]
        try:
            report = USAGE.run(
                file.rows, origin=file.origin, by=by, today=timezone.localdate(), partial=cleaned["partial"]
            )
        except ImportRefused as refused:
            sentence = join(" ", (refused.message, *_refused_rows(refused.report)))
            raise Refused(sentence, code=refused.code, data={"field": "file"}) from None
        return join(" ", (report.counts(), *_refused_rows(report)))


def _refused_rows(report: Report) -> list[Text]:
    """The first refused rows, each with what is wrong, and how many more there are."""
    bad = [result for result in report.results if result.outcome is RowOutcome.REFUSED]
    said: list[Text] = [
        say("Row {row}, {problems}", row=result.row, problems=join(" ", result.problems)) for result in bad[:NAMED]
    ]
    return [*said, say("And {count} more.", count=counted(len(bad) - NAMED))] if len(bad) > NAMED else said


def _words(result: RowResult) -> Text:
    return join(" ", result.problems) if result.problems else result.detail


def _pill(result: RowResult) -> SafeString:
    tones: dict[RowOutcome, tuple[Text, PillTone]] = {
        RowOutcome.ADDED: (say("Added"), "good"),
        RowOutcome.KNOWN: (say("Known already"), "mute"),
        RowOutcome.REFUSED: (say("Refused"), "bad"),
        RowOutcome.HELD_BACK: (say("Held back"), "warn"),
    }
    return pill(*tones[RowOutcome(result.outcome)])
