"""The passages of a repository follow its files, and cost no more than what changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckit_daemon.core.errors import OperationCancelledError
from ckit_daemon.core.text import START
from ckit_daemon.redaction import learn
from ckit_daemon.services.rag.secrets import PassageRedactor
from ckit_daemon.settings import RagSettings
from tests.support.passages import FEATURE, MemoryRepository, corpus_of, documents_of, text_at

if TYPE_CHECKING:
    from ckit_daemon.services.rag.corpus import RepositoryCorpus

STORY: Final = "contexts/userstories/US-001.yaml"
GUIDE: Final = "docs/guide.md"
NOTES: Final = ".context-kit/rag/notes.jsonl"
FILES: Final = {
    FEATURE: "id: FEAT-001\ntitle: One\nrules: [one two three]\n",
    STORY: "id: US-001\ntitle: Two\n",
    GUIDE: "# Guide\n\nWords.\n",
    NOTES: '{"id": "n", "text": "A note."}\n',
}
TEXTS: Final = {
    FEATURE: st.sampled_from(
        [
            "id: FEAT-001\n",
            "id: FEAT-001\nrules: [one two three]\n",
            "id: FEAT-002\ntitle: [",
            "no: id\n",
            "id: US-001\n",
        ]
    ),
    STORY: st.sampled_from(["id: US-001\n", "id: FEAT-001\nrules: [one two three]\n", "id: US-001\nstatus: done\n"]),
    GUIDE: st.sampled_from(["", "# A\n\nSame.\n", "# A\n\nSame.\n\n# A\n\nSame.\n"]),
    "README.md": st.sampled_from(["# A\n\nSame.\n", "password: hunter2\n"]),
    NOTES: st.sampled_from(['{"id": "n", "text": "A"}\n', '{"id": "n", "text": "A"}\n{\n', "{\n{\n"]),
}


def seen(corpus: RepositoryCorpus) -> object:
    return (
        dict(corpus.chunks),
        {digest: [*chunks] for digest, chunks in corpus.by_hash.items()},
        {path: [*chunks] for path, chunks in corpus.by_path.items() if chunks},
        {name: [*corpus.of_entity(name)] for name in ("FEAT-001", "FEAT-002", "US-001", "US-404")},
        corpus.masked,
        corpus.broken,
    )


@settings(deadline=None, max_examples=50)
@given(st.lists(st.fixed_dictionaries({}, optional=TEXTS), max_size=6))
def test_step_by_step_comes_to_the_same_as_from_the_beginning(steps: list[dict[str, str]]) -> None:
    repository = MemoryRepository()
    for files in steps:
        assert seen(repository.corpus(files)) == seen(corpus_of(files))


def test_what_did_not_change_is_the_same_object() -> None:
    repository = MemoryRepository()
    before = repository.corpus(FILES)
    assert repository.corpus(FILES) is before
    after = repository.corpus({**FILES, STORY: "id: US-001\ntitle: Changed\n"})
    assert after.version > before.version
    assert {path for path, chunks in after.by_path.items() if chunks is not before.by_path[path]} == {STORY}
    assert before.chunks[f"{STORY}#"].heading == "US-001 Two"
    beside = repository.corpus({**FILES, STORY: "id: US-001\ntitle: Changed\n", GUIDE: "# Guide\n\nOther.\n"})
    assert beside.version == after.version
    assert {path for path, chunks in beside.by_path.items() if chunks is not after.by_path[path]} == {GUIDE}


def test_a_schema_that_claims_a_folder_gives_its_entities_another_type() -> None:
    repository = MemoryRepository()
    path, schema = "contexts/experiments/EXP-1.yaml", ".context/schemas/experiment.schema.json"
    before = repository.corpus({path: "id: EXP-1\n"})
    after = repository.corpus({path: "id: EXP-1\n", schema: '{"type": "object"}'})
    assert before.chunks[f"{path}#"].entity_type == "unknown"
    assert after.chunks[f"{path}#"].entity_type == "experiment"
    assert after.chunks[f"{path}#"].text == "Type: experiment"


def test_the_first_of_two_entities_of_one_id_counts() -> None:
    other = "contexts/features/FEAT-000.yaml"
    corpus = corpus_of({**FILES, other: "id: FEAT-001\ntitle: Another\n"})
    assert [chunk.path for chunk in corpus.of_entity("FEAT-001")] == [other]
    assert len(corpus.of_file(FEATURE)) == 2
    assert not corpus.of_entity("FEAT-404")
    assert not corpus.of_file("nowhere.md")


def test_passages_of_one_hash_are_all_there_in_the_order_of_their_ids() -> None:
    repository = MemoryRepository()
    repository.corpus({"b.md": "# A\n\nSame.\n"})
    corpus = repository.corpus({"a.md": "# A\n\nSame.\n", "b.md": "# A\n\nSame.\n", "c.md": "# A\n\nSame.\n"})
    ((*chunks,),) = corpus.by_hash.values()
    assert [chunk.id for chunk in chunks] == ["a.md#a", "b.md#a", "c.md#a"]


def test_a_passage_that_is_gone_is_placed_at_the_beginning_of_its_file() -> None:
    repository = MemoryRepository()
    old = repository.corpus(FILES)
    rule = old.chunks[f"{FEATURE}#rules[0]"]
    new = repository.corpus({**FILES, FEATURE: "\n\nid: FEAT-001\n"})
    assert new.locate(rule).range == START
    assert repository.corpus({}).locate(rule).range == START
    assert old.locate(rule).range.start.line == 2


def test_include_and_exclude_choose_files() -> None:
    def paths(include: tuple[str, ...] = ("**",), exclude: tuple[str, ...] = ()) -> set[str]:
        corpus = corpus_of(FILES, RagSettings(include=[*include], exclude=[*exclude]))
        return {chunk.path for chunk in corpus.chunks.values()}

    assert paths() == FILES.keys()
    assert paths(include=("docs/**", "contexts/**")) == {FEATURE, STORY, GUIDE}
    assert paths(exclude=("**/*.md",)) == FILES.keys() - {GUIDE}
    assert paths(include=("contexts/**",), exclude=("contexts/features/*",)) == {STORY}
    assert paths(include=("contexts/*",)) == set()
    assert paths(include=()) == set()


def test_other_settings_take_effect_at_the_next_reading() -> None:
    repository = MemoryRepository()
    repository.corpus(FILES)
    repository.settings = RagSettings(exclude=["docs/**"])
    assert GUIDE not in {chunk.path for chunk in repository.corpus(FILES).chunks.values()}
    repository.settings = RagSettings(max_passage_characters=200)
    long_text = {GUIDE: "# Guide\n\n" + "A sentence of it. " * 100}
    assert len(repository.corpus({**FILES, **long_text}).of_file(GUIDE)) > 5


def test_a_reading_that_is_cancelled_leaves_the_one_before() -> None:
    class Cancelling:
        def report(self, done: int, total: int, message: str) -> None:
            raise OperationCancelledError("cancelled")

    repository = MemoryRepository()
    before = repository.corpus(FILES)
    more = documents_of({"contexts/tasks/T-001.yaml": "id: T-001\n"})
    with pytest.raises(OperationCancelledError):
        repository.reader.read(repository.snapshot.with_changes(more), Cancelling())
    assert repository.corpus(FILES) is before


# Secrets

SECRETS: Final = [
    "sk-abcdefghijklmnop1234",
    "ghp_" + "a1" * 18,
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9m",
    "glpat-abcdefghijklmnopqrst",
    "value-of-a-known-key",
]
KEY: Final = (
    "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(["MIIEpAIBAAKCAQEA" * 4] * 25) + "\n-----END RSA PRIVATE KEY-----"
)


def planted(secret: str) -> dict[str, str]:
    return {
        FEATURE: f"""\
id: FEAT-001
title: The key is {secret} here
status: {secret}
{secret}: used as a key
apiKey: {secret}
objective: |
  # About {secret}

  Some words around {secret}, so that this is long enough to stand alone and be cut: {"and more " * 40}
rules:
  - Use {secret} as the token.
  - {{id: r, title: "{secret}", deep: [{{a: [x, "{secret}"]}}]}}
nested: {{deep: {{list: [a, {secret}]}}}}
""",
        STORY: f"id: US-001\ntitle: [broken {secret}\n",
        GUIDE: f"---\ntitle: {secret}\n---\n# Heading {secret}\n\nText {secret}.\n\n```\nexport K={secret}\n```\n",
        NOTES: json.dumps({"id": "n", "entityIds": [secret], "text": f"It is {secret}.", "by": secret}),
        ".context-kit/spec-log/a.json": json.dumps({"id": f"x {secret}", "input": {"userPrompt": f"Use {secret}"}}),
    }


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_appears_in_no_passage_wherever_it_stands(secret: str) -> None:
    repository = MemoryRepository(RagSettings(max_passage_characters=200), {"MY_API_KEY": "value-of-a-known-key"})
    corpus = repository.corpus(planted(secret))
    assert {chunk.path for chunk in corpus.chunks.values()} == planted(secret).keys()
    for chunk in corpus.chunks.values():
        shown = repr(chunk)
        assert secret not in shown
        assert secret.lower() not in shown
        corpus.locate(chunk)
    assert corpus.masked >= 10
    assert "[redacted]" in corpus.chunks[f"{FEATURE}#"].text


def test_a_secret_of_many_lines_is_masked_before_the_text_is_cut() -> None:
    block = "\n".join(f"    {line}" for line in KEY.split("\n"))
    files = {
        FEATURE: f"id: FEAT-001\nparts:\n  - |\n    Before it.\n\n{block}\n\n    After it.\n",
        GUIDE: f"# K\n\nBefore it.\n\n{KEY}\n\nAfter it.\n",
    }
    corpus = corpus_of(files, RagSettings(max_passage_characters=200))
    texts = [chunk.text for chunk in corpus.chunks.values() if chunk.text != "Type: feature"]
    assert texts == ["Before it.\n\n[redacted]\n\nAfter it."] * 2
    assert corpus.masked == 2


def test_a_passage_in_which_something_was_masked_is_found_where_all_of_its_text_stands() -> None:
    text = f"# A\n\nOne.\n\n# B\n\nBefore {SECRETS[0]}.\n\nAfter {'words ' * 100}\n\n# C\n\nThree.\n"
    corpus = corpus_of({GUIDE: text}, RagSettings(max_passage_characters=200))
    pieces = [chunk for chunk in corpus.of_file(GUIDE) if chunk.heading == "B"]
    assert len(pieces) > 2
    section = text.partition("# B\n\n")[2].partition("\n\n# C")[0].strip()
    assert {text_at(text, corpus.locate(chunk).range) for chunk in pieces} == {section}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password: hunter2", "password: [redacted]"),
        ("export API_KEY=abc123def456", "export API_KEY=[redacted]"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer [redacted]"),
        ("postgres://user:s3cr3t@db/x", "postgres://user:[redacted]@db/x"),
        ("a client-secret = 'x9y8z7w6'", "a client-secret = '[redacted]"),
        ("API_KEY: YWJjMTIzZGVm=", "API_KEY: [redacted]"),
        ("PGPASSWORD=hunter psql", "PGPASSWORD=[redacted] psql"),
        ("MYSQL_PWD='hunter'", "MYSQL_PWD='[redacted]'"),
        ("GITHUB_TOKEN=correcthorse", "GITHUB_TOKEN=[redacted]"),
        ("CLIENT_SECRET=7391046", "CLIENT_SECRET=[redacted]"),
    ],
)
def test_what_is_assigned_to_the_name_of_a_secret_is_masked(text: str, masked: str) -> None:
    assert PassageRedactor({}).text(text).startswith(masked)


@pytest.mark.parametrize(
    "text",
    [
        "token: str",
        "Secret: required",
        "basic authentication is not enough",
        "The bearer certificate expires",
        "apiKey = env:OPENAI_API_KEY",
        "token: https://idp.example.org/oauth2/token",
        "Each token: it is renewed.",
        "password: must-be-changed",
        "desk-console and task-force",
        "the password: is asked for",
        "PWD=/home/hunter",
        "PGPASSWORD=$DB_PASSWORD",
        "PGPASSWORD=${DB_PASSWORD}",
        "GITHUB_TOKEN=<your-token>",
        "GITHUB_TOKEN=xxxxxxxxxxxx",
        "MYSQL_PWD=changeme",
        "CLIENT_SECRET=example",
        "TOKEN=https://idp.example.org/oauth2/token",
    ],
)
def test_what_only_speaks_of_secrets_stays(text: str) -> None:
    redactor = PassageRedactor({})
    assert redactor.text(text) == text
    assert redactor.field(["note"], text) == text


def test_a_field_whose_name_gives_a_secret_away_is_masked() -> None:
    corpus = corpus_of({FEATURE: "id: FEAT-001\napi: {clientSecret: x9y8z7w6, tokenEndpoint: https://a.example/o2}\n"})
    assert corpus.chunks[f"{FEATURE}#"].text.split("\n") == [
        "Type: feature",
        "Api client secret: [redacted]",
        "Api token endpoint: https://a.example/o2",
    ]


@pytest.mark.parametrize(
    "data",
    [
        "secrets: [x9y8z7w6, two]",
        "apiKeys: {live: x9y8z7w6}",
        "credentials: {user: bob, value: x9y8z7w6}",
        "credentials:\n  - {user: bob, value: x9y8z7w6}",
        "credentials:\n  - [bob, x9y8z7w6]",
        "logins:\n  - name: bob\n    passwords: [{old: x9y8z7w6}]",
    ],
)
def test_what_stands_below_the_name_of_a_secret_is_masked(data: str) -> None:
    corpus = corpus_of({FEATURE: f"id: FEAT-001\n{data}\n"})
    shown = "\n".join(chunk.embedded for chunk in corpus.chunks.values())
    assert "x9y8z7w6" not in shown
    assert "[redacted]" in shown
    assert ("bob" in shown) == ("bob" in data)


def test_a_secret_that_is_written_with_escapes_is_masked() -> None:
    corpus = corpus_of({FEATURE: 'id: FEAT-001\nrules: ["the key \\x73k-abcdefghijklmnop is it"]\n'})
    assert corpus.chunks[f"{FEATURE}#rules[0]"].text == "the key [redacted] is it"


def test_a_key_that_becomes_known_later_disappears_from_what_was_read_before() -> None:
    repository = MemoryRepository()
    files = {GUIDE: "# G\n\nIt was quite-harmless-until-now.\n", FEATURE: "id: FEAT-001\n"}
    before = repository.corpus(files)
    assert "quite-harmless" in before.chunks[f"{GUIDE}#g"].text
    learn("quite-harmless-until-now")
    after = repository.corpus(files)
    assert after.chunks[f"{GUIDE}#g"].text == "It was [redacted]."
    assert after.masked == 1
    assert after.by_path[FEATURE] is before.by_path[FEATURE]
    assert repository.corpus(files) is after
