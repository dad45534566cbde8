"""The old answers: what the predecessor's Node pipelines print, computed from the one model of the engine.

Each module gives the JSON of one pipeline with the same keys in the same order. Deliberate differences:

- An entity that breaks its schema still exists, so references to it resolve: `validate` reports none of the
  "does not exist" errors that followed from dropping it.
- `impact` never follows a reference to an entity that does not exist, and it compares the meaning of YAML instead of
  the lines of a diff: comments, the order of keys, formatting and lines of nested mappings change nothing, while
  `newValue` and dotted rule fields (`api.version`) count.
- A rule fires on every assumed change of its type, as before, but once the changed fields are known it fires only if
  one of its own is among them.
- File names never reach a shell, and an id that is no safe file name is refused instead of written elsewhere.
- The output arrives whole at any size.
- `generate` lists files relative to the repository, and prompts hold relative paths and a time that can be fixed,
  unless the old form is asked for.
"""

from ckit_daemon.core.compat.build_graph import build_graph
from ckit_daemon.core.compat.generate import Generated, generate
from ckit_daemon.core.compat.impact import impact
from ckit_daemon.core.compat.validate import validate

__all__ = ["Generated", "build_graph", "generate", "impact", "validate"]
