"""Dataclasses that cost next to nothing to declare.

For each class the standard library writes the source of six methods and
compiles it, with the help of ``inspect``: more than a filter that is started
for one message may cost in all. These mean the same for what is used here:
``frozen``; fields with ``default``, ``default_factory`` and ``repr``; no
``__post_init__``. ``__init__`` is compiled once a class turns out to be made
often.

``dataclasses.replace``, ``fields`` and ``asdict`` work on them; type checkers
see the standard library's.
"""

from __future__ import annotations

__all__ = ["dataclass", "field", "replace"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    #: So many instances are made slowly, then ``__init__`` is compiled.
    _SLOWLY = 50
    _MISSING = object()

    class FrozenError(AttributeError):
        """A field of a frozen dataclass was assigned to, or deleted."""

    class _Field:
        __slots__ = ("default", "factory", "repr")

        def __init__(self, default, factory=None, repr=True) -> None:  # noqa: A002 - as dataclasses.field
            self.default = default
            self.factory = factory
            self.repr = repr

    def field(*, default=_MISSING, default_factory=None, repr=True):  # noqa: A002 - as dataclasses.field
        """Give a field its default, a maker of defaults, or no place in ``repr``."""
        return _Field(default, default_factory, repr)

    def dataclass(cls=None, /, *, frozen=False):
        """Make a class of its annotated fields."""
        return _made(cls, frozen) if cls is not None else lambda given: _made(given, frozen)

    def replace(instance, /, **changes):
        """Return a copy with other values."""
        values = vars(instance)
        kept = {name: values[name] for name in type(instance)._fields_ if name not in changes}
        return type(instance)(**kept, **changes)

    def _made(cls, frozen):
        fields = dict(getattr(cls, "_fields_", {}))
        for name, annotation in cls.__annotations__.items():
            if "ClassVar" in str(annotation):
                continue
            value = cls.__dict__.get(name, _MISSING)
            if not isinstance(value, _Field):
                fields[name] = _Field(value)
                continue
            fields[name] = value
            if value.default is _MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, value.default)
        cls._fields_ = fields
        cls.__match_args__ = tuple(fields)
        cls.__init__ = _slow_init(cls, fields)
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = _repr
        if "__eq__" not in cls.__dict__:
            cls.__eq__ = _eq
        if frozen:
            cls.__setattr__ = _no_setattr
            cls.__delattr__ = _no_delattr
        if "__hash__" not in cls.__dict__ or cls.__hash__ is None:
            cls.__hash__ = _hash if frozen else None
        cls.__dataclass_fields__ = _StandardFields()
        return cls

    def _slow_init(cls, fields):
        names = tuple(fields)
        made = 0

        def __init__(self, *args, **kwargs) -> None:  # noqa: N807 - that is its name
            nonlocal made
            made += 1
            if made == _SLOWLY and cls.__init__ is __init__:
                cls.__init__ = _fast_init(fields)
            if len(args) > len(names):
                raise TypeError(f"{cls.__name__}() takes {len(names)} values but {len(args)} were given")
            values = dict(zip(names, args, strict=False))
            for name in names[len(args) :]:
                each = fields[name]
                if name in kwargs:
                    values[name] = kwargs.pop(name)
                elif each.factory is not None:
                    values[name] = each.factory()
                elif each.default is not _MISSING:
                    values[name] = each.default
                else:
                    raise TypeError(f"{cls.__name__}() misses a value for {name!r}")
            if kwargs:
                raise TypeError(
                    f"{cls.__name__}() got an unexpected or second value for {next(iter(kwargs))!r}"
                )
            self.__dict__.update(values)

        return __init__

    def _fast_init(fields):
        space = {"_missing": _MISSING}
        parameters, lines = [], []
        for number, (name, each) in enumerate(fields.items()):
            if each.factory is not None:
                space[f"_{number}"] = each.factory
                parameters.append(f"{name}=_missing")
                lines.append(f" _into[{name!r}] = _{number}() if {name} is _missing else {name}")
                continue
            if each.default is not _MISSING:
                space[f"_{number}"] = each.default
                parameters.append(f"{name}=_{number}")
            else:
                parameters.append(name)
            lines.append(f" _into[{name!r}] = {name}")
        source = f"def __init__(self, {', '.join(parameters)}):\n _into = self.__dict__\n"
        exec(source + "\n".join(lines), space)  # noqa: S102 - names of fields alone, as dataclasses does
        return space["__init__"]

    def _repr(self):
        shown = (f"{name}={getattr(self, name)!r}" for name, each in self._fields_.items() if each.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def _eq(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._fields_)

    def _hash(self):
        return hash(tuple(getattr(self, name) for name in self._fields_))

    def _no_setattr(_self, name, _value):
        raise FrozenError(f"cannot assign to {name!r}")

    def _no_delattr(_self, name):
        raise FrozenError(f"cannot delete {name!r}")

    class _StandardFields:
        """What :mod:`dataclasses` looks for, made when it does."""

        def __get__(self, _instance, owner):
            import dataclasses  # noqa: PLC0415 - asked for by somebody who has imported it

            space = {"__annotations__": dict.fromkeys(owner._fields_, "object")}
            for name, each in owner._fields_.items():
                given = {"default": each.default} if each.default is not _MISSING else {}
                if each.factory is not None:
                    given["default_factory"] = each.factory
                space[name] = dataclasses.field(repr=each.repr, **given)
            found = dataclasses.dataclass(type(owner.__name__, (), space)).__dataclass_fields__
            owner.__dataclass_fields__ = found
            return found
