"""A pygls server with nothing in it but an echo: what the daemon's start-up and round trip are measured against."""

from __future__ import annotations

from typing import Any

from pygls.lsp.server import LanguageServer

server = LanguageServer("bare-pygls", "1")


@server.feature("bench/echo")
def echo(params: Any) -> dict[str, Any]:
    # pygls hands over a named tuple, because it builds one from every object that it doesn't know.
    return {"value": params.value}


if __name__ == "__main__":
    server.start_io()
