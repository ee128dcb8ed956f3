"""What a value is: a dataclass that never changes, in a form that is cheap to define.

`@frozen` means what `@dataclass(frozen=True)` means. The standard one writes and compiles six methods for every class, a third of
a millisecond each; hundreds of classes made that a quarter of the time of a short command. Here five are shared, and the sixth,
`__init__`, is compiled when the first object is made, for most classes never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

Class = TypeVar("Class", bound=type[Any])


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Class) -> Class:
    """Make the class a dataclass whose objects never change and are equal when their type and all their fields are."""
    for name, shared in _SHARED.items():
        if name not in vars(cls):
            setattr(cls, name, shared)
    dataclass(init=False, repr=False, eq=False)(cls)
    return cls


def _first_init(self: Any, *args: Any, **given: Any) -> None:
    cls: Any = next(one for one in type(self).__mro__ if "__dataclass_fields__" in vars(one))
    cls.__init__ = _init_of(cls)
    cls.__init__(self, *args, **given)


def _init_of(cls: type[Any]) -> Callable[..., None]:
    """`def __init__(self, name, steps=_default_steps): vars(self).update(name=name, steps=steps)`, for the class's fields."""
    all_fields = fields(cls)
    known: dict[str, Any] = {f"_default_{field.name}": _default(field) for field in all_fields}
    parameters = ", ".join(_parameter(field) for field in all_fields)
    kept = ", ".join(f"{field.name}={_given(field)}" for field in all_fields)
    after = "; self.__post_init__()" if hasattr(cls, "__post_init__") else ""
    exec(f"def __init__(self, {parameters}): vars(self).update({kept}){after}", known)  # noqa: S102 names of fields only
    made: Callable[..., None] = known["__init__"]
    return made


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory


def _parameter(field: Field[Any]) -> str:
    return field.name if _default(field) is MISSING else f"{field.name}=_default_{field.name}"


def _given(field: Field[Any]) -> str:
    default = f"_default_{field.name}"
    made = f"{default}() if {field.name} is {default} else {field.name}"
    return field.name if field.default_factory is MISSING else made


def _fields(self: Any) -> tuple[object, ...]:
    return tuple([getattr(self, name) for name in self.__match_args__])


def _equal(self: Any, other: object) -> bool:
    # No other class calls itself equal to one of ours, so there is nobody to hand the question to.
    return type(self) is type(other) and _fields(self) == _fields(other)


def _hash(self: Any) -> int:
    return hash(_fields(self))


def _shown(self: Any) -> str:
    told = ", ".join(f"{name}={value!r}" for name, value in zip(self.__match_args__, _fields(self), strict=True))
    return f"{type(self).__qualname__}({told})"


def _never_set(self: Any, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _never_deleted(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


_SHARED = {
    "__init__": _first_init,
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _shown,
    "__setattr__": _never_set,
    "__delattr__": _never_deleted,
}
