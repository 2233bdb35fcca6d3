"""Elements of HTML and SVG, built as a tree, so that they are well-formed and escaped."""

from typing import Final
from xml.etree.ElementTree import Element, tostring

_DOCTYPE: Final = "<!DOCTYPE html>\n"


def tag(name: str, /, *inside: Element | str, **attributes: object) -> Element:
    """Make an element. `class_` is the attribute class, `stroke_width` is stroke-width."""
    made = Element(name, {_attribute(key): str(value) for key, value in attributes.items()})
    for item in inside:
        _append(made, item)
    return made


def html_text(root: Element) -> str:
    """Write a whole page."""
    return _DOCTYPE + tostring(root, encoding="unicode", method="html") + "\n"


def _attribute(key: str) -> str:
    # SVG has names in camel case, which pass as they are
    return key.rstrip("_").replace("_", "-")


def _append(made: Element, item: Element | str) -> None:
    if isinstance(item, Element):
        made.append(item)
    elif len(made):
        made[-1].tail = (made[-1].tail or "") + item
    else:
        made.text = (made.text or "") + item
