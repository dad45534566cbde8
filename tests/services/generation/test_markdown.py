"""Markdown is taken apart, and entities are turned into it."""

from __future__ import annotations

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.entity import read_entity
from ckit_daemon.services.generation.markdown import entity_markdown, sections, words_of


def test_headings_in_code_are_none() -> None:
    found = sections("Intro\n\n# One\n\n```sh\n# no heading\n```\n\n## Two ##\n\n- a\n- b\n  goes on\n1. c\n")
    assert [(part.level, part.heading) for part in found] == [(0, ""), (1, "One"), (2, "Two")]
    assert found[2].items == ["a", "b goes on", "c"]


def test_the_first_paragraph_is_no_list_table_or_code() -> None:
    (part,) = sections("- a list\n\n| a | table |\n\n```\ncode\n```\n\nThe first\nparagraph.\n\nThe second.")
    assert part.first_paragraph == "The first paragraph."


def test_keys_become_words() -> None:
    assert [words_of(key) for key in ("acceptanceCriteria", "asA", "apiURL", "last_reviewed", "_")] == [
        "Acceptance criteria",
        "As a",
        "Api url",
        "Last reviewed",
        "_",
    ]


def test_every_value_of_an_entity_is_in_its_markdown_and_its_headings_stand_below_its_own() -> None:
    text = """\
id: SPEC-009
title: A title
status: draft
ready: true
empty: []
interfaces:
  - name: One
    contract:
      - request: number
content: |
  ## Part

  Text.
"""
    entity = read_entity("spec", read_yaml("contexts/specs/a.yaml", text))
    assert entity is not None
    assert entity_markdown(entity) == (
        "### SPEC-009: A title (spec, draft)\n\n**Status**: draft\n\n**Ready**: yes\n\n"
        "**Interfaces**\n- name: One\n  - contract:\n    - request: number\n\n#### Part\n\nText."
    )
