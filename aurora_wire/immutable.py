"""Dataclasses with slots that cost little to define: `record`, and `immutable`, which nothing changes once it is made.

`dataclasses` writes each method of each class as source and compiles it when the class is defined, and takes half of
the standard library to load. A start defines sixty such classes and makes few of them: here `__init__` is written
when the first one is made, what compares, hashes and shows is shared, and `dataclasses` itself is loaded for who asks
for its `fields` or `asdict`.

Type checkers hold that nobody changes an `immutable`. At run time it is a usual one, as `frozen=True` sets each field
through `object.__setattr__`: a finding or a reason took three times as long to make, of which a scan makes several a
connection.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

__all__ = ["field", "immutable", "record", "replace"]

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import field, replace

    @dataclass_transform(frozen_default=True, field_specifiers=(field,))
    def immutable(cls: type[T]) -> type[T]:
        """Make a dataclass with slots, compared and hashed by its fields, which are set once."""

    @dataclass_transform(field_specifiers=(field,))
    def record(cls: type[T]) -> type[T]:
        """Make a dataclass with slots, compared by its fields, which may change: so it has no hash."""

else:

    class _Nothing:
        def __repr__(self):
            return "<factory>"  # as signatures of dataclasses show it

    _NOTHING = _Nothing()
    _LITERALS = {list: "[]", dict: "{}"}  # made faster than by a call

    class field:  # noqa: N801 - called as a function, as that of `dataclasses` is
        """What a field is besides its type: as `dataclasses.field`, as far as records need it."""

        __slots__ = ("compare", "default", "default_factory", "repr")

        def __init__(self, *, default=_NOTHING, default_factory=_NOTHING, compare=True, repr=True):  # noqa: A002
            self.default = default
            self.default_factory = default_factory
            self.compare = compare
            self.repr = repr

    class _Later:
        """A class attribute that is made when it is first asked for."""

        __slots__ = ("cls", "make", "name")

        def __init__(self, name, make):
            self.name = name
            self.make = make

        def __get__(self, instance, owner):
            made = self.make(self.cls)
            setattr(self.cls, self.name, made)
            return made if instance is None or not hasattr(type(made), "__get__") else made.__get__(instance, owner)

    def immutable(cls):
        return _define(cls, _hash)

    def record(cls):
        return _define(cls, None)

    def replace(one, /, **changes):
        """Return another one with other values of some fields."""
        for name in one.__match_args__:
            if name not in changes:
                changes[name] = getattr(one, name)
        return one.__class__(**changes)

    def _define(cls, hashed):
        """Return the class with slots: what is a default is an attribute of the class so far, and in a slot's way."""
        if cls.__bases__ != (object,):
            raise TypeError(f"{cls.__name__}: a record inherits from nothing")
        content = dict(cls.__dict__)
        names = tuple(content["__annotations__"])
        given = {}
        for name in names:
            if name in content:
                value = given[name] = content.pop(name)
                if type(value).__hash__ is None or type(value).__module__ == "dataclasses":
                    raise TypeError(f"{cls.__name__}.{name}: a default is given by immutable.field")
        later = [
            _Later("__init__", _write_init),
            _Later("__dataclass_fields__", lambda made: _as_dataclass(made).__dataclass_fields__),
            _Later("__dataclass_params__", lambda made: _as_dataclass(made).__dataclass_params__),
            _Later("_compared", _write_compared),
        ]
        for name in ("__dict__", "__weakref__"):
            content.pop(name, None)
        content.update({one.name: one for one in later})
        content.update(
            __slots__=names, __match_args__=names, __qualname__=cls.__qualname__, __eq__=_equal, __hash__=hashed,
            __repr__=_show, __replace__=replace, _given=given,
        )
        made = type(cls.__name__, (), content)
        for one in later:
            one.cls = made
        return made

    def _describe_field(cls, name):
        """Return what a field is, all of it."""
        value = cls._given.get(name, _NOTHING)
        return value if isinstance(value, field) else field(default=value)

    def _write_init(cls):
        """Write `__init__` as `dataclasses` does: parameters in the order of the fields."""
        scope = {"_NOTHING": _NOTHING}
        parameters, lines = ["self"], []
        for name in cls.__match_args__:
            each = _describe_field(cls, name)
            value = name
            if each.default_factory is not _NOTHING:
                parameters.append(f"{name}=_NOTHING")
                scope[f"_new_{name}"] = each.default_factory
                new = _LITERALS.get(each.default_factory, f"_new_{name}()")
                value = f"{new} if {name} is _NOTHING else {name}"
            elif each.default is not _NOTHING:
                parameters.append(f"{name}=_default_{name}")
                scope[f"_default_{name}"] = each.default
            else:
                parameters.append(name)
            lines.append(f"  self.{name} = {value}")
        exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(lines), scope)  # noqa: S102 - names of our fields
        made = scope["__init__"]
        made.__qualname__ = f"{cls.__qualname__}.__init__"
        made.__annotations__ = {**cls.__annotations__, "return": None}
        return made

    def _write_compared(cls):
        return attrgetter(*[name for name in cls.__match_args__ if _describe_field(cls, name).compare])

    def _as_dataclass(cls):
        """Return a dataclass with the same fields, for `dataclasses.fields` and what else looks at them."""
        import dataclasses  # noqa: PLC0415 - a tenth of a start

        content = {"__annotations__": cls.__annotations__}
        for name in cls._given:
            each = _describe_field(cls, name)
            given = {"default": each.default, "default_factory": each.default_factory}
            content[name] = dataclasses.field(
                compare=each.compare, repr=each.repr,
                **{key: value for key, value in given.items() if value is not _NOTHING},
            )
        return dataclasses.dataclass(init=False, eq=False, repr=False)(type(cls.__name__, (), content))

    def _hash(self):
        return hash(self._compared(self))

    def _equal(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self._compared(self) == self._compared(other)

    def _show(self):
        shown = [f"{name}={getattr(self, name)!r}" for name in self.__match_args__ if _describe_field(self, name).repr]
        return f"{self.__class__.__qualname__}({', '.join(shown)})"
