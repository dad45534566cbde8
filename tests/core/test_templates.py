from __future__ import annotations

import json
from contextlib import suppress
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckit_daemon.core.document import Severity
from ckit_daemon.core.errors import CkitError, InvalidArgumentError, LimitExceededError
from ckit_daemon.core.templates import template_findings
from ckit_daemon.core.templates.engine import MAX_TEMPLATE_CHARACTERS, render_template
from ckit_daemon.core.templates.scan import find_fault, scan
from ckit_daemon.core.text import START

FOLDER = ".context/templates/prompts"


@pytest.mark.parametrize(
    ("template", "context", "expected"),
    [
        ("{{a}} {{{a}}} {{&a}}", {"a": "<it's>"}, "&lt;it&#x27;s&gt; <it's> <it's>"),
        ("{{#if a}}\nyes\n{{else}}\nno\n{{/if}}\nend", {"a": []}, "no\nend"),
        ("{{#if a}}1{{else if b}}2{{else}}3{{/if}}", {"b": 1}, "2"),
        ("{{#each a}}{{@index}}{{this}}{{#unless @last}}, {{/unless}}{{/each}}", {"a": ["x", "y"]}, "0x, 1y"),
        ("{{#each a}}{{../b}}{{n}}{{/each}}", {"a": [{"n": 1}, {"n": 2}], "b": "-"}, "-1-2"),
        ("{{#with a}}{{b}}{{/with}}", {"a": {"b": 1}}, "1"),
        ("{{#each a}}{{padTaskId @index}} {{increment @index}};{{/each}}", {"a": [1, 1]}, "T001 1;T002 2;"),
        ("{{#if (hasItems a)}}y{{/if}}{{#unless (hasItems b)}}n{{/unless}}", {"a": {"x": 1}, "b": []}, "yn"),
        ("{{#unless (hasItems a)}}n{{/unless}}", {"a": "text"}, "n"),
        ("{{a.length}} {{a}} {{a.[1]}}", {"a": ["x", "y"]}, "2 x,y y"),
        ("{{#if a.length}}some{{else}}none{{/if}}", {"a": []}, "none"),
        ("{{a}} {{b}} {{c}}", {"a": True, "b": 1.0, "c": None}, "true 1 "),
        ("\\{{a}} {{!-- {{b}} --}}{{! c }}x", {"a": 1}, "{{a}} x"),
        ("{{log a}}{{a}}", {"a": 1}, "1"),
    ],
)
def test_templates_render_as_handlebars_js_renders_them(capfd, template, context, expected):
    assert render_template(template, context) == expected
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "template",
    ["{{#each @root.a}}" * 9 + "x" + "{{/each}}" * 9, "{{#each a}}{{#each @root.a}}{{@root.t}}{{/each}}{{/each}}"],
)
def test_a_template_that_multiplies_without_measure_is_stopped(template):
    with pytest.raises(LimitExceededError):
        render_template(template, {"a": ["x" for _ in range(100)], "t": "y" * 10_000})


def test_a_budget_is_for_one_rendering():
    template = "{{#each a}}{{this}}{{/each}}"
    for _ in range(30):
        assert len(render_template(template, {"a": ["x" for _ in range(5000)]})) == 5000


@pytest.mark.parametrize(
    "template",
    [
        '{{#*inline "a"}}{{> a}}{{> a}}{{/inline}}{{> a}}',
        "{{#if a}}" * 70 + "{{/if}}" * 70,
        "{{" + "(" * 3000 + ")" * 3000 + "}}",
        "{{#if a}}",
        "{{#if}}x{{/if}}",
        "{{/}}",
        "{{",
        "{{no such}}",
        "{{> missing}}",
        "{{#*inline}}{{/inline}}",
    ],
)
def test_a_broken_template_is_an_error_with_a_short_message(template):
    with pytest.raises(InvalidArgumentError) as caught:
        render_template(template, {"a": 1})
    assert len(caught.value.message) < 300


def test_a_template_beyond_all_measure_is_not_even_compiled():
    with pytest.raises(LimitExceededError):
        render_template("x" * (MAX_TEMPLATE_CHARACTERS + 1), {})


@given(st.text(alphabet="{}#/^~!&>*()[]. \"'=|ab@-else\n", max_size=60))
def test_no_text_breaks_the_scanner_or_the_renderer_in_another_way(template):
    list(scan(template))
    find_fault(template)
    with suppress(CkitError):
        render_template(template, {"a": ["b"], "b": {"a": 1}})


def found(make_snapshot, text: str, name: str = "task", **files: str):
    snapshot = make_snapshot({f"{FOLDER}/{name}.hbs": text, **files})
    return [(f.code, tuple(f.location.range.start), tuple(f.location.range.end)) for f in template_findings(snapshot)]


@pytest.mark.parametrize(
    ("template", "start", "end"),
    [
        ("a\n {{#if id}}", (1, 1), (1, 11)),
        ("{{#if id}}\n{{/each}}", (1, 0), (1, 9)),
        ("x {{/if}}", (0, 2), (0, 9)),
        ("{{else}}", (0, 0), (0, 8)),
        ("{{id}\nx", (0, 0), (0, 5)),
        ("{{id}}\n{{#each related}}{{upper id}}{{/each}}", (1, 19), (1, 24)),
    ],
)
def test_a_syntax_error_is_found_at_the_tag(make_snapshot, template, start, end):
    findings = found(make_snapshot, template)
    assert ("template.syntax", start, end) in findings


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (
            "{{id}} {{owner}} {{related.feature}} {{_file}} {{timestamp}} {{outputFile}} {{entityType}} {{entity.id}}",
            [],
        ),
        ("{{titel}}", ["titel"]),
        ("{{#if titel}}{{titel}}{{/if}}", ["titel"]),
        ("{{related.story}} {{entity.nix}}", ["related.story", "entity.nix"]),
        (
            "{{#with related}}{{feature}}{{story}}{{../owner}}{{../nix}}{{@root.owner}}{{@root.nix}}{{/with}}",
            ["story", "../nix"],
        ),
        ("{{#each list}}{{name}}{{nix}}{{@index}}{{this.name}}{{/each}}", ["nix"]),
        ("{{#each list as |item i|}}{{item.name}}{{item.nix}}{{i}}{{/each}}", ["item.nix"]),
        ("{{#each list}}x{{else}}{{name}}{{/each}}", ["name"]),
        ("{{#list}}{{name}}{{nix}}{{/list}}", ["nix"]),
        ("{{#each steps}}{{this}}{{this.nix}}{{/each}}{{steps.length}}", ["this.nix"]),
        ("{{#each open}}{{anything.at.all}}{{/each}}{{open.anything}}", []),
        ("{{#if (hasItems steps)}}{{else if nix}}{{/if}}", ["nix"]),
        ("{{lookup related 'feature'}} {{padTaskId 3}} {{increment nix}}", ["nix"]),
        ("{{! nix }}{{!-- {{nix}} --}}\\{{nix}}{{{{raw}}}}{{nix}}{{{{/raw}}}}{{owner}}", []),
        ("{{parent.parent.parent.name}}{{parent.nix}}", ["parent.nix"]),
        ("{{either.a}}{{either.b}}{{either.c}}", ["either.c"]),
    ],
)
def test_fields_that_no_schema_knows_are_found_at_their_places(make_snapshot, template, words):
    text = {"type": "string"}
    schema = {
        "type": "object",
        "properties": {
            "id": text,
            "owner": text,
            "related": {"type": "object", "properties": {"feature": text}},
            "list": {"type": "array", "items": {"$ref": "#/definitions/item"}},
            "steps": {"type": "array", "items": text},
            "open": {"type": "object"},
            "parent": {"$ref": "#/definitions/item"},
            "either": {"oneOf": [{"properties": {"a": text}}, {"properties": {"b": text}}]},
        },
        "definitions": {
            "item": {"type": "object", "properties": {"name": text, "parent": {"$ref": "#/definitions/item"}}}
        },
    }
    findings = found(make_snapshot, template, **{".context/schemas/task.schema.json": json.dumps(schema)})
    assert [code for code, _, _ in findings] == ["template.unknown-field"] * len(words)
    assert [template[start[1] : end[1]] for _, start, end in findings] == words


def test_a_checklist_knows_the_fields_of_every_type_under_entity(make_snapshot):
    text = "{{entity.owner}}{{entity.acceptanceCriteria}}{{entity.nix}}{{id}}"
    assert [(start[1], end[1]) for _, start, end in found(make_snapshot, text, "checklist")] == [(47, 57), (61, 63)]


def test_a_template_of_no_type_and_one_without_a_schema_are_not_judged_by_fields(make_snapshot):
    assert found(make_snapshot, "{{anything}}", "letter") == []
    assert found(make_snapshot, "{{anything}}", "governance") == []


def test_unknown_fields_warn_and_syntax_errors_are_errors(make_snapshot):
    snapshot = make_snapshot({f"{FOLDER}/task.hbs": "{{nix}}", f"{FOLDER}/spec.hbs": "{{#if"})
    assert {f.code: f.severity for f in template_findings(snapshot)} == {
        "template.unknown-field": Severity.WARNING,
        "template.syntax": Severity.ERROR,
    }


@pytest.mark.parametrize("source", ["{{{{a}}}}{{{{/a", "x{{{{a}}}} b", "{{{{a}}}}{{{{/b}}}}"])
def test_a_raw_block_that_nothing_closes_is_the_fault(source: str) -> None:
    fault = find_fault(source)
    assert fault is not None
    assert source[fault.start : fault.end] == "{{{{a}}}}"


@pytest.mark.parametrize("part", ["{{{a}}", "{{!--}}", "{{~{a}}", "\\", "{{{{a}}}} "])
def test_R36_tags_are_found_in_linear_time(part: str) -> None:
    def seconds(count: int) -> float:
        began = perf_counter()
        find_fault(part * count + "{{")
        return perf_counter() - began

    # Ten times the text takes a hundred times as long where it is quadratic.
    assert min(seconds(20_000) for _ in range(5)) < 40 * min(seconds(2_000) for _ in range(5))


def test_a_text_too_long_for_a_template_is_one_finding_at_its_beginning(make_snapshot):
    snapshot = make_snapshot({f"{FOLDER}/feature.hbs": "{{{a}}" * MAX_TEMPLATE_CHARACTERS})
    (finding,) = template_findings(snapshot)
    assert (finding.code, finding.location.range) == ("template.syntax", START)
