"""A document as PDF: A4, in an embedded font with Latin, Greek and Cyrillic letters."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from billing.documents.content import Document, Party

type Drawn = Callable[[str], str]

FONTS: Final = Path(__file__).parent / "fonts"
_FONT: Final = "DejaVu"
_MARGIN: Final = 20.0  # millimetres, as all lengths here
_LINE: Final = 5.0
_LOGO: Final = (60.0, 18.0)
_GREY: Final = (90, 97, 107)

# Cutting a font down is told glyph by glyph otherwise.
logging.getLogger("fontTools").setLevel(logging.WARNING)


class _Sheet(FPDF):
    """Pages with the document's name and the page's number at the foot."""

    foot: str = ""

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font(_FONT, size=8)
        self.set_text_color(*_GREY)
        self.cell(0, _LINE, f"{self.foot}, page {self.page_no()} of {{nb}}", align="R")
        self.set_text_color(0)


def to_pdf(document: Document, logo: bytes | None = None) -> bytes:
    """The document's bytes: the same for the same content, whenever they are made.

    A character that the font lacks becomes a question mark.
    """
    sheet = _Sheet(format="A4")
    sheet.set_margins(_MARGIN, _MARGIN)
    sheet.set_auto_page_break(auto=True, margin=_MARGIN)
    sheet.add_font(_FONT, "", FONTS / "DejaVuSans.ttf")
    sheet.add_font(_FONT, "B", FONTS / "DejaVuSans-Bold.ttf")
    sheet.set_creation_date(datetime.combine(document.issued_on, time(), tzinfo=UTC))
    sheet.set_lang("en")

    def drawn(text: str) -> str:
        known = sheet.fonts[_FONT.lower()].cmap  # type: ignore[union-attr]
        return "".join(char if ord(char) in known or char == "\n" else "?" for char in text)

    sheet.set_title(drawn(f"{document.title} {document.number}"))
    sheet.set_author(drawn(document.company.name))
    sheet.foot = drawn(f"{document.title} {document.number}")
    sheet.add_page()
    if logo is not None:
        sheet.image(io.BytesIO(logo), x=_MARGIN, y=_MARGIN, w=_LOGO[0], h=_LOGO[1], keep_aspect_ratio=True)
    _party(sheet, document.company, drawn, align="R")
    sheet.ln(_LINE)
    _party(sheet, document.customer, drawn, align="L")
    sheet.ln(2 * _LINE)
    sheet.set_font(_FONT, "B", 15)
    _line(sheet, drawn(f"{document.title} {document.number}"), height=8)
    sheet.ln(2)
    for label, value in document.facts:
        sheet.set_font(_FONT, size=9)
        sheet.set_text_color(*_GREY)
        sheet.cell(40, _LINE, drawn(label))
        sheet.set_text_color(0)
        sheet.multi_cell(0, _LINE, drawn(value), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.ln(_LINE)
    _table(sheet, document, drawn)
    sheet.ln(2)
    for position, (label, value) in enumerate(document.sums, start=1):
        sheet.set_font(_FONT, "B" if position == len(document.sums) else "", 9)
        sheet.cell(sheet.epw - 45, 6, drawn(label), align="R")
        sheet.cell(45, 6, drawn(value), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.set_font(_FONT, size=9)
    for note in document.notes:
        sheet.ln(3)
        sheet.multi_cell(0, _LINE, drawn(note), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    return bytes(sheet.output())


def _party(sheet: FPDF, party: Party, drawn: Drawn, *, align: str) -> None:
    sheet.set_font(_FONT, "B", 10)
    _line(sheet, drawn(party.name), align=align)
    sheet.set_font(_FONT, size=9)
    for text in party.lines:
        _line(sheet, drawn(text), align=align)


def _line(sheet: FPDF, text: str, *, align: str = "L", height: float = _LINE) -> None:
    sheet.multi_cell(0, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _table(sheet: FPDF, document: Document, drawn: Drawn) -> None:
    numbers = len(document.headings) - 1
    width = 45.0 if numbers == 1 else 27.0
    widths = (sheet.epw - numbers * width, *([width] * numbers))
    sheet.set_font(_FONT, size=8.5)
    with sheet.table(
        col_widths=widths,
        text_align=("LEFT", *(["RIGHT"] * numbers)),
        borders_layout="HORIZONTAL_LINES",
        line_height=_LINE,
        padding=(1, 0.5),
        headings_style=FontFace(emphasis="BOLD"),
    ) as table:
        for cells in (document.headings, *document.rows):
            row = table.row()
            for cell in cells:
                row.cell(drawn(cell))
