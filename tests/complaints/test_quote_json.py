import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from complaints.quotes.inputs import QuoteInputs
from complaints.quotes.inputs_json import inputs_from_json, inputs_to_json
from complaints.quotes.quote_json import LONGEST_LINE, main, quote_lines, quote_to_json
from complaints.refund_calculation import calculate
from tests.complaints.bad_quote_lines import ABSENT, BAD_LINES, INTERRUPTION, SPECIAL, USAGE, line
from tests.complaints.quote_cases import all_inputs, inputs, interval, operation

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "quote-json.md").read_text(encoding="utf-8")


def answers(content: bytes) -> tuple[int, list[Any]]:
    out = io.StringIO()
    status = quote_lines(io.BytesIO(content), out)
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def error_of(content: bytes) -> dict[str, Any]:
    status, [answer] = answers(content)
    assert status == 1
    assert list(answer) == ["error"]
    assert list(answer["error"]) == ["code", "message", "line"]
    error: dict[str, Any] = answer["error"]
    assert 0 < len(error["message"]) < 300
    return error


# --- quotes


def test_a_quote_has_lines_total_set_off_and_remedies() -> None:
    status, [answer] = answers(
        line(
            minute_cost="0.05",
            seconds_used=100,
            operations=[{"code": "sms", "quantity": 3, "unit_cost": "0.07"}],
            reduction="1.00",
        )
    )
    assert status == 0
    assert answer == {
        "lines": [
            {"code": "fee", "amount": "30.00"},
            {"code": "minutes", "amount": "-0.08"},
            {"code": "operation:sms", "amount": "-0.21"},
            {"code": "time", "amount": "-10.00"},
            {"code": "reduction", "amount": "-1.00"},
        ],
        "total": "18.71",
        "set_off": "0.00",
        "payable": "18.71",
        "remedies": {"credit": "18.71", "cash": "18.71", "minutes": 375, "extension_days": 19},
    }


@pytest.mark.parametrize(
    ("changes", "total", "minutes", "extension_days"),
    [
        ({}, "20.00", None, 20),
        ({"fee_paid": "45.00", "already_refunded": "25.00"}, "5.00", None, 5),
        ({"already_given": "15.00"}, "5.00", None, 5),
        ({"already_given": "0"}, "20.00", None, 20),
        ({"receiving": {"fee": "600.00", "days": 31, "minute_cost": "0.3"}}, "20.00", 67, 2),
        ({"receiving": {"fee": "0", "days": 1, "minute_cost": "0"}, "minute_cost": "1"}, "20.00", None, None),
        ({"already_refunded": "99.00"}, "0.00", None, 0),
        ({"as_of_day_counts": False}, "21.00", None, 21),
        ({"fee": "0.00", "minute_cost": "0.10"}, "0.00", 0, None),
        ({"fee": "0"}, "0.00", None, None),
        ({"fee": "3000", "currency": "JPY"}, "2000", None, 20),
        ({"fee": "0", "currency": "JPY"}, "0", None, None),
        ({"fee": "3.000", "currency": "KWD"}, "2.000", None, 20),
        ({"fee": "30.5"}, "20.33", None, 20),
        ({"fee": "0030"}, "20.00", None, 20),
        ({"minute_cost": "0." + "0" * 499 + "1"}, "20.00", 20 * 10**500, 20),
        ({"operations": [{"code": "x", "quantity": "2.5", "unit_cost": "0.1"}]}, "19.75", None, 20),
        ({"basis": "full_month", "term": "annual"}, "2.50", None, 3),
        ({"basis": "special", "special_amount": "7.25"}, "7.25", None, 8),
        (
            {
                "basis": "interruption",
                "interruptions": [["2026-04-02T00:00:00Z", "2026-04-03T00:00:00+00:00"]],
            },
            "1.00",
            None,
            1,
        ),
        (
            {
                "basis": "interruption",
                "time_zone": "Europe/Berlin",
                "interruptions": [["2026-04-02 00:00+02:00", "2026-04-05 00:00:00.000+02"]],
                "maintenance": [["2026-04-03T00:00+0200", "2026-04-04T00:00+02:00"]],
                "compensated": [["2026-04-04T00:00+02:00", "2026-04-04T12:00+02:00"]],
                "minimum_interruption_seconds": 172_800,
            },
            "1.50",
            None,
            2,
        ),
    ],
)
def test_totals_of_optional_inputs(changes: Any, total: str, minutes: int | None, extension_days: int | None) -> None:
    status, [answer] = answers(line(**changes))
    assert status == 0, answer
    assert answer["total"] == answer["remedies"]["credit"] == answer["remedies"]["cash"] == total
    assert (answer["remedies"]["minutes"], answer["remedies"]["extension_days"]) == (minutes, extension_days)


def test_what_is_not_paid_is_set_off_and_remedies_are_of_the_rest() -> None:
    _, [answer] = answers(line(fee_paid="17.50", minute_cost="1"))
    assert {key: answer[key] for key in ("total", "set_off", "payable", "remedies")} == {
        "total": "20.00",
        "set_off": "12.50",
        "payable": "7.50",
        "remedies": {"credit": "7.50", "cash": "7.50", "minutes": 8, "extension_days": 8},
    }


def test_known_keys_that_the_basis_does_not_use_are_not_looked_at() -> None:
    nonsense = {
        "as_of": 1,
        "as_of_day_counts": "x",
        "already_given": -1,
        "seconds_used": 1.5,
        "operations": [None],
        "interruptions": {"a": 1},
        "maintenance": "x",
        "compensated": None,
        "minimum_interruption_seconds": -1,
        "time_zone": "Nowhere",
    }
    _, plain = answers(line(SPECIAL))
    status, answer = answers(line(SPECIAL, **nonsense))
    assert (status, answer) == (0, plain)
    assert answers(line(special_amount=[])) == answers(line())


# --- the stream


def test_answers_come_in_order_and_bad_lines_do_not_stop_the_others() -> None:
    status, found = answers(
        b"\xef\xbb\xbf" + line() + b"\n\n   \t\r\nnonsense\n" + line(fee="60.00") + b"\r\n\xff\n" + line()
    )
    assert status == 1
    assert [answer.get("total") or answer["error"]["line"] for answer in found] == [
        "20.00",
        4,
        "40.00",
        6,
        "20.00",
    ]


@pytest.mark.parametrize("content", [b"", b"\n", b"\n \n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_nothing_in_nothing_out(content: bytes) -> None:
    assert answers(content) == (0, [])


def test_an_endless_line_is_refused_without_being_read_whole() -> None:
    class Endless(io.RawIOBase):
        """64 MiB of nines without a newline, then a good line."""

        left = 64 * 1024 * 1024
        tail = io.BytesIO(b"\n" + line())

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            if self.left <= 0:
                return self.tail.readinto(buffer)
            size = min(len(buffer), self.left)
            buffer[:size] = b"9" * size
            self.left -= size
            return size

    out = io.StringIO()
    assert quote_lines(io.BufferedReader(Endless(), 1024 * 1024), out) == 1
    first, second = map(json.loads, out.getvalue().splitlines())
    assert (first["error"]["code"], first["error"]["line"]) == ("line_too_long", 1)
    assert second["total"] == "20.00"


def test_a_long_line_of_blanks_is_still_too_long() -> None:
    assert error_of(b" " * (LONGEST_LINE + 5) + line())["code"] == "line_too_long"


# --- errors


@pytest.mark.parametrize(
    ("content", "code"), [pytest.param(*case, id=f"{case[1]}-{n}") for n, case in enumerate(BAD_LINES)]
)
def test_a_bad_line_says_what_is_wrong(content: bytes, code: str) -> None:
    error = error_of(b"\n" + content)
    assert (error["code"], error["line"]) == (code, 2)


def test_the_message_names_the_input_and_its_place() -> None:
    cases = {
        "fee: ": line(fee="x"),
        "operations[1].unit_cost: ": line(
            operations=[
                {"code": "a", "quantity": 1, "unit_cost": "1"},
                {"code": "b", "quantity": 1, "unit_cost": "-1"},
            ]
        ),
        "interruptions[0]: ": line(INTERRUPTION, interruptions=[["2026-04-02T00:00", "2026-04-02T01:00"]]),
        "special_amount: ": line(SPECIAL, special_amount=ABSENT),
    }
    for start, content in cases.items():
        assert error_of(content)["message"].startswith(start)


@given(
    st.binary(max_size=300) | st.lists(st.sampled_from([line(), line(SPECIAL), b"{}", b"\xff", b"\n"])).map(b"".join)
)
def test_any_bytes_get_an_answer_for_each_line_that_is_not_blank(content: bytes) -> None:
    status, found = answers(content)
    rows = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert len(found) == sum(bool(row.strip()) for row in rows)
    assert status == int(any("error" in answer for answer in found))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["1", "-1", "2026-04-02", "1e9", "9" * 600]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from([USAGE, INTERRUPTION, SPECIAL]),
    st.dictionaries(
        st.sampled_from(
            [
                *USAGE,
                "operations",
                "interruptions",
                "minute_cost",
                "time_zone",
                "seconds_used",
                "fee_paid",
                "already_given",
                "receiving",
            ]
        ),
        json_values,
        max_size=3,
    ),
)
def test_any_json_value_anywhere_gets_a_quote_or_an_error(values: dict[str, Any], changes: dict[str, Any]) -> None:
    _, [answer] = answers(line(values, **changes))
    assert list(answer) in (["error"], ["lines", "total", "set_off", "payable", "remedies"])


# --- the form that refunds are stored in


def test_the_stored_form_is_canonical() -> None:
    made = inputs(
        fee="30",
        seconds_used=7,
        minute_cost="0.0500",
        operations=(operation("sms", "3.00", "1E+1"), operation("fax", "0.50", "-0.0")),
    )
    assert inputs_to_json(made) == {
        "basis": "usage",
        "currency": "EUR",
        "term": "monthly",
        "fee": "30.00",
        "starts_on": "2026-04-01",
        "ends_on": "2026-05-01",
        "fee_paid": "30.00",
        "already_refunded": "0.00",
        "already_given": "0.00",
        "receiving": {"fee": "30.00", "days": 30, "minute_cost": "0.05"},
        "as_of": "2026-04-10",
        "as_of_day_counts": True,
        "seconds_used": 7,
        "minute_cost": "0.05",
        "operations": [
            {"code": "sms", "quantity": "3", "unit_cost": "10"},
            {"code": "fax", "quantity": "0.5", "unit_cost": "0"},
        ],
        "reduction": "0.00",
    }
    stored = inputs_to_json(inputs(basis="interruption", interruptions=(interval("02T08:00 02T12:00:00.5"),)))
    assert stored["interruptions"] == [["2026-04-02T08:00:00+00:00", "2026-04-02T12:00:00.500000+00:00"]]
    assert "as_of" not in stored
    assert "already_given" not in stored


@given(all_inputs())
def test_inputs_survive_json_and_give_the_same_quote(made: QuoteInputs) -> None:
    text = json.dumps(inputs_to_json(made))
    again = inputs_from_json(json.loads(text))
    assert again == made
    assert json.dumps(inputs_to_json(again)) == text
    status, [answer] = answers(text.encode())
    assert (status, answer) == (0, quote_to_json(calculate(made), made.currency))


# --- the command


def run(*arguments: str, content: bytes = b"", **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "complaints.quotes.quote_json", *arguments],
        cwd=ROOT,
        input=content,
        check=False,
        # Unbuffered output, which some environments ask for, would hide what happens to answers still held.
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def test_the_command_reads_a_file_or_standard_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "quotes.jsonl"
    file.write_bytes(line() + b"\n" + b"x\n")
    assert main([str(file)]) == 1
    answered = capsys.readouterr()
    assert answered.err == ""
    assert [next(iter(json.loads(row))) for row in answered.out.splitlines()] == ["lines", "error"]
    done = run("-", content=line())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == answered.out.splitlines(keepends=True)[0].replace("\r\n", "\n")


def test_a_file_that_cannot_be_read_is_said_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "absent.jsonl", tmp_path):
        assert main([str(path)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f"quote: {path}: ")


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--verbose"]])
def test_a_wrong_call_shows_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: quote FILE")


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: quote FILE")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which this system does not have")
def test_answers_that_cannot_be_written_are_no_success() -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("-", content=line() * 10, stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith(b"quote: -: ")
    assert b"Traceback" not in done.stderr


def test_a_reader_that_stops_early_is_met_with_silence() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = run("-", content=line(), stdout=write)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (2, b"")


def test_it_works_without_django() -> None:
    code = "import sys, complaints.quotes.quote_json, complaints.deadlines; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0  # noqa: S603


# --- the documentation


def test_every_error_code_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `([a-z0-9_]+)` \|", DOCS.partition("\n## Errors\n")[2], re.MULTILINE))
    raised = {
        code
        for module in ("input_errors", "inputs", "inputs_json", "quote_json")
        for code in re.findall(
            r"QuoteInputError\(\s*\"([a-z0-9_]+)\"",
            (ROOT / "complaints" / "quotes" / f"{module}.py").read_text(encoding="utf-8"),
        )
    }
    assert documented == raised == {code for _, code in BAD_LINES} | {"line_too_long"}


def test_the_documented_examples_are_what_comes_out() -> None:
    examples = re.findall(r"```json\n(.+?)```\s+gives\s+```json\n(.+?)```", DOCS, re.DOTALL)
    assert len(examples) >= 3
    for given_text, expected in examples:
        _, found = answers(json.dumps(json.loads(given_text)).encode())
        assert found == [json.loads(expected)]
