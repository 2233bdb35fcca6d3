"""What every connector needs to make a request out of what the gateway asks for."""

from gateway.domain.channel import ChannelRequest


def detail(request: ChannelRequest, method: str, name: str) -> str:
    """Take a detail that the method cannot do without.

    Raises:
        ValueError: it is missing.
    """
    value = request.details[method].get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{method} needs {name}")
    return value


def bounded(text: str, bytes_max: int) -> str:
    """Cut a text to so many bytes of UTF-8, never within a character."""
    return text.encode()[:bytes_max].decode(errors="ignore")
