"""What connections to providers have in common: which proxy they take, and which headers leave the machine.

openai speaks through httpx2 and ollama through httpx, two generations of one library with the same interface. Each
provider has one transport, that is one pool of connections; the clients around it are made for a single call, since
they carry its keys and its request id.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from ckit_daemon.services.assistant.providers.base import ModelParameters
    from ckit_daemon.settings import ProviderKind, ProviderSettings

DEFAULT_URLS: Final[Mapping[ProviderKind, str]] = {
    "openai": "https://api.openai.com/v1",
    "ollama": "http://127.0.0.1:11434",
}
"""Where a provider is whose settings don't say; the other kinds have no usual place."""
KEEPALIVE_SECONDS: Final = 120.0
MAX_IDLE_CONNECTIONS: Final = 32
REQUEST_ID_HEADER: Final = "X-Request-Id"
_AS_THEY_ARE: Final = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")
"""The signs of a request's id that are sent as they are; a client may put anything into it, and a header holds less."""
# The libraries fill these in from variables of the environment, whatever the endpoint, or with a placeholder.
OWN_HEADERS: Final = ("authorization", "api-key", "openai-organization", "openai-project")


def base_url(settings: ProviderSettings) -> str:
    """Return where a provider is; '' for one in this process, and for one whose settings lack it."""
    return settings.base_url or DEFAULT_URLS.get(settings.kind, "")


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment or the system names for an endpoint; never one for this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def is_loopback(host: str) -> bool:
    """Return whether a host name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def stamp(headers: MutableMapping[str, str], own: Mapping[str, str]) -> None:
    """Replace the headers of a request that say who is asking by our own."""
    for name in OWN_HEADERS:
        headers.pop(name, None)
    headers.update(own)


def identified(params: ModelParameters) -> dict[str, str]:
    """Return the header that tells the request's id; what no header may hold of it is percent-encoded."""
    return {REQUEST_ID_HEADER: quote(params.request_id, safe=_AS_THEY_ARE)}


def timeouts(params: ModelParameters) -> dict[str, float]:
    """Return the deadlines of a call as httpx wants them; the finer ones are kept by who reads the stream."""
    total = params.total_timeout
    return {"connect": params.connect_timeout, "read": total, "write": total, "pool": total}
