"""Message templates: Django's template language, cut down to ``if``, ``for`` and a few filters over plain texts.

What fills a template comes from customers and staff and is never itself read as a template. The result is plain
text, so nothing is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from django.template import Context, Engine, Template, TemplateSyntaxError
from django.template.base import FilterExpression, Lexer, TokenType, Variable, VariableNode
from django.template.defaulttags import ForNode, IfNode

from audit.actions import Refused
from core.text import Text, say
from messaging.templates.kinds import FIELDS, Value, complete, examples_of
from messaging.templates.tags import FILTERS, TAGS
from messaging.vocabulary import MessageRefusal

SUBJECT_LENGTH = 200
#: Of what ``for`` offers inside its block, this alone.
FORLOOP = frozenset({"counter", "first", "last"})


class _TextEngine(Engine):
    """Loads no template and knows no tag or filter but ours."""

    default_builtins: ClassVar[list[str]] = ["messaging.templates.tags"]


_engine = _TextEngine(
    app_dirs=False, loaders=[("django.template.loaders.locmem.Loader", {})], libraries={}, autoescape=False
)


@dataclass(frozen=True, slots=True)
class Words:
    """A message as its reader gets it."""

    subject: str
    body: str


# --- Rendering ----------------------------------------------------------------------------------


def render(kind: str, subject: str, body: str, values: Mapping[str, Value]) -> Words:
    """Fill a kind's template. The subject is one line of at most 200 characters, the body has no space at its ends.

    Raises:
        ValueError: a field is missing or unknown.
    """
    whole = complete(kind, values)
    return Words(one_line(_filled(subject, whole)), _tidy(_filled(body, whole)))


def one_line(text: str) -> str:
    """The text on one line, so that nothing typed or filled in can begin another header."""
    words = re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text).split()
    return " ".join(words)[:SUBJECT_LENGTH]


def _tidy(text: str) -> str:
    """Without the blank lines that an ``if`` or ``for`` leaves behind, and without characters no mail may hold."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _filled(source: str, values: Mapping[str, Value]) -> str:
    # Plain strings and lists alone: a template can reach nothing behind them.
    plain = {name: value if isinstance(value, str) else [str(one) for one in value] for name, value in values.items()}
    return str(_parsed(source).render(Context(plain, autoescape=False)))


@lru_cache(maxsize=256)
def _parsed(source: str) -> Template:
    return Template(source, engine=_engine)


# --- Checking -----------------------------------------------------------------------------------


def check_template(kind: str, subject: str, body: str) -> None:
    """Refuse a template that could fail or say nothing when it is used.

    Raises:
        Refused: a tag, filter or field that there is not, a syntax error, a subject of several lines, or words that
            vanish when an optional field is empty. The sentence names it; ``data["field"]`` is ``subject`` or ``body``.
    """
    if "\n" in subject.strip() or "\r" in subject.strip():
        raise _bad("subject", say("The subject has to be a single line."))
    for part, source in (("subject", subject), ("body", body)):
        if not source.strip():
            sentences = {"subject": say("The subject cannot be empty."), "body": say("The body cannot be empty.")}
            raise _bad(part, sentences[part])
        _check_source(kind, part, source)
    for values in (examples_of(kind), examples_of(kind, required_only=True)):
        words = render(kind, subject, body, values)
        for part, text in (("subject", words.subject), ("body", words.body)):
            if not text:
                sentences = {
                    "subject": say("Without its optional fields the subject would be empty."),
                    "body": say("Without its optional fields the body would be empty."),
                }
                raise _bad(part, sentences[part])


def _bad(part: str, sentence: Text) -> Refused:
    return Refused(sentence, code=MessageRefusal.TEMPLATE, data={"field": part})


def _check_source(kind: str, part: str, source: str) -> None:
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            word = (token.contents.split() or [""])[0]
            if word not in TAGS:
                sentence = say(
                    "“{word}” cannot be used in a message. Besides fields in double braces, only if, elif, else, for "
                    "and empty can be used.",
                    word=word,
                )
                raise _bad(part, sentence)
        elif token.token_type == TokenType.TEXT and (left := re.search(r"\{\{|\{%|\}\}|%\}", token.contents)):
            raise _bad(part, say("Line {line} has “{mark}” without its other half.", line=token.lineno, mark=left[0]))
    try:
        template = Template(source, engine=_engine)
    except (TemplateSyntaxError, ValueError) as problem:
        raise _bad(part, _in_words(str(problem))) from None
    known = {field.name: field.is_list for field in FIELDS[kind]}
    _Check(part, known).nodes(template.nodelist)


def _in_words(problem: str) -> Text:
    if found := re.search(r"Invalid filter: '([^']*)'", problem):
        return say("There is no filter “{name}”. There are: {names}.", name=found[1], names=", ".join(FILTERS))
    if found := re.search(r"Unclosed tag on line (\d+): '(\w+)'", problem):
        return say("The “{tag}” of line {line} is not closed: “end{tag}” is missing.", tag=found[2], line=found[1])
    if found := re.search(r"Invalid block tag on line (\d+): '(\w+)'", problem):
        return say(
            "The “{tag}” of line {line} has nothing before it that it could belong to.", tag=found[2], line=found[1]
        )
    return say("This cannot be read as a template: {problem}.", problem=problem.rstrip("."))


class _Check:
    """Walks a parsed template and refuses every name that is not a field, or is used as what it is not."""

    def __init__(self, part: str, known: Mapping[str, bool]) -> None:
        self.part = part
        self.known = known

    def nodes(self, nodes: Iterable[Any], *, within: frozenset[str] = frozenset()) -> None:
        for node in nodes:
            if isinstance(node, VariableNode):
                self._expression(node.filter_expression, within, shown=True)
            elif isinstance(node, IfNode):
                for condition, body in node.conditions_nodelists:
                    for expression in _expressions(condition):
                        self._expression(expression, within)
                    self.nodes(body, within=within)
            elif isinstance(node, ForNode):
                self._loop(node, within)

    def _loop(self, node: ForNode, within: frozenset[str]) -> None:
        self._expression(node.sequence, within, looped=True)
        if len(node.loopvars) != 1:
            sentence = say("A “for” goes through a list with one name: “for line in calculation”.")
            raise _bad(self.part, sentence)
        name = node.loopvars[0]
        if name in self.known:
            sentence = say("“{name}” is a field already: call what “for” goes through something else.", name=name)
            raise _bad(self.part, sentence)
        self.nodes(node.nodelist_loop, within=within | {name, "forloop"})
        self.nodes(node.nodelist_empty, within=within)

    def _expression(
        self, expression: Any, within: frozenset[str], *, shown: bool = False, looped: bool = False
    ) -> None:
        joined = bool(expression.filters)
        if isinstance(expression.var, Variable):
            name = self._name(expression.var, within)
            if name and looped and not self.known.get(name, False):
                raise _bad(self.part, say("“for” needs a list, and “{name}” is none.", name=name))
            if name and shown and not joined and self.known.get(name, False):
                sentence = say('“{name}” is a list: go through it with “for”, or write {name}|join:", ".', name=name)
                raise _bad(self.part, sentence)
        elif looped:
            raise _bad(self.part, say("“for” needs a list."))
        for _, arguments in expression.filters:
            for is_variable, argument in arguments:
                if is_variable:
                    self._name(argument, within)

    def _name(self, variable: Any, within: frozenset[str]) -> str:
        """The field that is meant; "" for a literal. Refused if there is none of that name."""
        lookups = variable.lookups
        if lookups is None:
            return ""
        name, *rest = lookups
        if name == "forloop" and name in within and len(rest) == 1 and rest[0] in FORLOOP:
            return ""
        if rest:
            sentence = say("“{name}” is not a field: a field's name has no dot.", name=variable.var)
            raise _bad(self.part, sentence)
        if name not in self.known and name not in within:
            sentence = say("There is no field “{name}”. There are: {names}.", name=name, names=", ".join(self.known))
            raise _bad(self.part, sentence)
        return str(name)


def _expressions(condition: Any) -> Iterator[FilterExpression]:
    """What an ``if`` compares, through its and, or and not."""
    if condition is None:  # else
        return
    value = getattr(condition, "value", None)
    if isinstance(value, FilterExpression):
        yield value
    parts: Iterable[Any] = (getattr(condition, "first", None), getattr(condition, "second", None))
    for part in parts:
        if part is not None:
            yield from _expressions(part)
