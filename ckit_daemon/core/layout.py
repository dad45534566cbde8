"""Where things are in a context repository, relative to its root and with forward slashes."""

from __future__ import annotations

from typing import Final

ENTITIES: Final = "contexts"
SCHEMAS: Final = ".context/schemas"
SCHEMA_SUFFIX: Final = ".schema.json"
RULES: Final = ".context/rules"
PROMPT_TEMPLATES: Final = ".context/templates/prompts"
BUILDER_TEMPLATES: Final = ".context/templates/builder"
CHECKLIST: Final = "checklist"
KIT: Final = ".context-kit"
SPEC_LOG: Final = ".context-kit/spec-log"
PROMPTS_OUT: Final = "generated/prompts"
PACKAGE_JSON: Final = "package.json"

YAML_SUFFIXES: Final = (".yaml", ".yml")
SOURCES: Final = (ENTITIES, SCHEMAS, RULES, PROMPT_TEMPLATES, BUILDER_TEMPLATES)
"""The folders whose files the engine keeps in memory."""

FOLDERS: Final = {
    "governance": "governance",
    "features": "feature",
    "userstories": "userstory",
    "specs": "spec",
    "tasks": "task",
    "services": "service",
    "packages": "package",
}
"""The folder of each built-in type, in the order in which people read a product."""

SCHEMA_NAMES: Final = {"governance": "constitution"}
"""Types whose schema has another name than the type."""

_SOURCE_SUFFIXES: Final = {
    ENTITIES: YAML_SUFFIXES,
    SCHEMAS: (SCHEMA_SUFFIX,),
    RULES: YAML_SUFFIXES,
    PROMPT_TEMPLATES: (".hbs",),
    BUILDER_TEMPLATES: YAML_SUFFIXES,
}


def is_source(path: str) -> bool:
    """Whether a file belongs into a snapshot, judged by its name alone. Hidden files never do."""
    for folder, suffixes in _SOURCE_SUFFIXES.items():
        if path.startswith(folder) and path[len(folder) : len(folder) + 1] == "/":
            return path.lower().endswith(suffixes) and "/." not in path[len(folder) :]
    return False


def folder_names(entity_type: str) -> tuple[str, ...]:
    """The folders under `contexts/` that may hold a type: `story` is found in `stories`, `storys` and `story`."""
    built_in = tuple(folder for folder, known in FOLDERS.items() if known == entity_type)
    plural = f"{entity_type[:-1]}ies" if entity_type.endswith("y") else f"{entity_type}es"
    return tuple(dict.fromkeys((*built_in, f"{entity_type}s", plural, entity_type)))
