"""Values: what never changes once it is made, and is cheap to make and to copy.

A payment makes some twenty of them. The standard library's frozen dataclasses set every field past
a guard of their own, which costs four times a plain assignment, and copy field by field through a
dict. Here only the type checker stands guard: it sees all that is shipped, and `frozen=True` is its
word. Copies are made by position. Equality, hash and text are those of any dataclass.
"""

import dataclasses
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["replace", "value"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value
    from dataclasses import replace
else:

    def value(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """Make a class of values; it is written `@value(frozen=True, slots=True)`."""
        assert frozen
        assert slots

        def make(kind: type) -> type:
            made = dataclasses.dataclass(slots=True, unsafe_hash=True, kw_only=kw_only)(kind)
            if not kw_only:
                _COPIERS[made] = _copier(made)
            return made

        return make

    def replace(old: Any, /, **changes: Any) -> Any:
        """Copy a value, or any dataclass, with other fields. Raises TypeError for no field."""
        copy = _COPIERS.get(type(old))
        return copy(old, changes) if copy else dataclasses.replace(old, **changes)


Copier = Callable[[Any, Mapping[str, Any]], Any]

_COPIERS: dict[type, Copier] = {}


def _copier(kind: Any) -> Copier:
    """Make what copies the values of a class, which has at least two fields to be read at once."""
    names = [field.name for field in dataclasses.fields(kind)]
    assert len(names) > 1, "one field would be read bare"
    place_of = {name: place for place, name in enumerate(names)}
    read = attrgetter(*names)

    def copy(old: Any, changes: Mapping[str, Any]) -> Any:
        fields = [*read(old)]
        try:
            for name, changed in changes.items():
                fields[place_of[name]] = changed
        except KeyError as unknown:
            raise TypeError(f"{kind.__name__} has no field {unknown}") from None
        return kind(*fields)

    return copy
