"""The daemon's own forms: outlines of specifications, and instructions of prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTLINES: Final[Mapping[str, str]] = {
    "default": """\
# <title>

<one paragraph that sums the specification up>

## Behaviour

<states, rules and limits; each limit with a number and a unit>

## Data

<what is stored or exchanged, with types>

## Interfaces

<what talks to what, and how>

## Failures

<what can go wrong, and what happens then>

## Constraints

<a list of limits that hold whatever the implementation looks like>

## Acceptance

<a list of statements with a yes or a no>

## Open questions

<a list of at most three questions that only a person can answer>
""",
    "api": """\
# <title>

<one paragraph that sums the interface up>

## Operations

<a list: method, path, purpose, request and response>

## Data

<the fields of requests and responses, with types>

## Errors

<a table: status, code, meaning>

## Authorisation

<who may call what>

## Load

<limits of calls and sizes, each with a number and a unit>

## Versions

<how the interface changes without breaking those who call it>

## Acceptance

<a list of statements with a yes or a no>

## Open questions

<a list of at most three questions that only a person can answer>
""",
    "feature": """\
# <title>

<one paragraph: what changes for whom>

## Goal

<why the feature exists>

## Scope

<two lists: what belongs to it, what does not>

## Stories

<each story with its criteria>

## Behaviour

<states, rules and limits; each limit with a number and a unit>

## Builds on

<services and packages that it needs, and what it needs them for>

## Failures

<what can go wrong, and what happens then>

## Constraints

<a list of limits that hold whatever the implementation looks like>

## Acceptance

<a list of statements with a yes or a no>

## Open questions

<a list of at most three questions that only a person can answer>
""",
}
"""By template: what stands in angle brackets is to be replaced."""

TARGETS: Final[Mapping[str, str]] = {
    "codegen": """\
# Assignment: implement the specification

Write the code that the specification below describes, complete and ready to be merged.

- Build what the specification and the acceptance criteria say, and nothing besides.
- Keep to the principles, the technology and the words of the domain that are given.
- Handle every failure that the specification names; check input where it comes in.
- Cover each acceptance criterion with a test whose name says it.
- Where the specification leaves something open, choose the simplest way and say so in one line.

Answer with whole files, each with its path relative to the repository and what it is for.
""",
    "review": """\
# Assignment: review the specification

Judge whether the specification below can be built and tested as it stands.

- Name what is missing, contradictory or impossible to check, the gravest first, and quote the words you mean.
- Compare it with the feature, the stories' criteria and the principles that are given.
- For each finding say what could go wrong and propose the sentence that would mend it.
- Say what is good enough to stay as it is.

Answer with a list of findings, each with a severity (blocker, major, minor), and a verdict in one sentence.
""",
    "test": """\
# Assignment: test what the specification promises

Write the tests for the specification below; the implementation is not your concern.

- At least one test for each acceptance criterion, limit and failure, each named as a sentence of behaviour.
- Test limits on both sides, and input that is empty, too long, doubled or late.
- Use the test tools of the technology that is given.
- List what can't be tested automatically, and how a person would check it.

Answer with whole files, each with its path relative to the repository and what it is for.
""",
}
"""By what a prompt is for."""
