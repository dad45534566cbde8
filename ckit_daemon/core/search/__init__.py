"""Search by id, title, text and field."""

from ckit_daemon.core.search.highlight import Highlight
from ckit_daemon.core.search.index import Hit, SearchIndex, SearchResult
from ckit_daemon.core.search.query import Query, Term, parse_query

__all__ = ["Highlight", "Hit", "Query", "SearchIndex", "SearchResult", "Term", "parse_query"]
