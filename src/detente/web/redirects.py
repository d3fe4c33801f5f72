"""Where a redirect may lead: an absolute path of this site, whatever was asked for."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

__all__ = ["own_place", "path_place"]

_KEPT = "/-._~!$&'()*+,;=:@"
"""What a path may hold as it is; a backslash is not among it, browsers read it as a slash."""

_QUERY = _KEPT + "?%[]"


def path_place(path: str, query: str = "") -> str:
    """The place of a decoded path: one slash at its beginning, everything odd percent-encoded.

    An address like ``//elsewhere`` or ``/\\elsewhere`` would lead away from here; browsers also
    leave tabs, line ends and spaces out before they look.
    """
    odd = "/\\" + "".join(map(chr, range(33))) + "\x7f"
    rest = quote(path.lstrip(odd), safe=_KEPT, errors="replace")
    return "/" + rest + (f"?{quote(query, safe=_QUERY)}" if query else "")


def own_place(location: str) -> str:
    """A Location header without scheme and host: redirects of a router name those of the request,
    which are those of this site however a proxy before it is called."""
    clean = "".join(c for c in location if ord(c) > 32 and c != "\x7f").replace("\\", "%5C")
    try:
        parts = urlsplit(clean)
    except ValueError:
        return "/"
    rest = quote(parts.path.lstrip("/"), safe=_KEPT + "%")
    return "/" + rest + (f"?{quote(parts.query, safe=_QUERY)}" if parts.query else "")
