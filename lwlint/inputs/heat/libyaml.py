"""PyYAML's C parser without the rest of PyYAML, whose import costs as much as all of a run on one file after it (9 ms).

The parser's extension takes from the package its marks, tokens, events and nodes, and eight exceptions, which stand in modules
that compile large expressions; here these exceptions have doubles. What else anybody asks of `yaml` completes the package: its
own `__init__` is run in the same module, and the extension is given the package's own exceptions. A PyYAML that is built in
another way (no C parser, another layout) is imported as it always is.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType, SimpleNamespace
from typing import Any

_SHARED = ("error", "tokens", "events", "nodes")
_MARKED = (("scanner", "ScannerError"), ("parser", "ParserError"), ("composer", "ComposerError"), ("constructor", "ConstructorError"))
_PLAIN = (("emitter", "EmitterError"), ("serializer", "SerializerError"), ("representer", "RepresenterError"))
_READER = ("reader", "ReaderError")


class Finder:
    """For `sys.meta_path`: the next `import yaml` loads what the C parser needs."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return how `yaml` is loaded; None for every other module."""
        spec = PathFinder.find_spec(name) if name == "yaml" else None
        if spec is not None and spec.loader is not None and spec.submodule_search_locations:
            loader: Any = _Loader(spec.loader)
            spec.loader = loader
        return spec


class _Loader:
    def __init__(self, whole: Any) -> None:
        self._whole = whole

    def create_module(self, spec: ModuleSpec) -> None:
        """Let a module be made as usual."""

    def exec_module(self, package: ModuleType) -> None:
        """Load the parser, and the rest when it is asked for; all of it where the parser does not load."""
        try:
            _load_parser(package)
        except (ImportError, AttributeError):
            _drop_doubles(package)
            self._whole.exec_module(package)
        else:
            vars(package)["__getattr__"] = partial(_completed, package, self._whole)


def _load_parser(package: ModuleType) -> None:
    for name in _SHARED:
        import_module(f"yaml.{name}")
    errors: Any = vars(package)["error"]

    class ReaderError(errors.YAMLError):  # type: ignore[misc]
        """As PyYAML's: a character or byte that YAML does not have."""

        def __init__(self, name: Any, position: int, character: Any, encoding: str, reason: str) -> None:
            self.name, self.position, self.character, self.encoding, self.reason = name, position, character, encoding, reason

    doubles: list[tuple[tuple[str, str], type]] = [(_READER, ReaderError)]
    doubles += [(place, type(place[1], (errors.MarkedYAMLError,), {})) for place in _MARKED]
    doubles += [(place, type(place[1], (errors.YAMLError,), {})) for place in _PLAIN]
    for (module, name), double in doubles:
        setattr(package, module, SimpleNamespace(**{name: double}))
    import_module("yaml._yaml")
    vars(package).update(YAMLError=errors.YAMLError, MarkedYAMLError=errors.MarkedYAMLError, Mark=errors.Mark, __with_libyaml__=True)


def _drop_doubles(package: ModuleType) -> None:
    for module, _ in (_READER, *_MARKED, *_PLAIN):
        if isinstance(vars(package).get(module), SimpleNamespace):
            delattr(package, module)


def _completed(package: Any, whole: Any, name: str) -> Any:
    """Return an attribute that `package` does not have yet."""
    if name.startswith("__") and name != "__version__":
        raise AttributeError(f"module 'yaml' has no attribute {name!r}")
    vars(package).pop("__getattr__", None)
    _drop_doubles(package)
    whole.exec_module(package)
    for module, error in (_READER, *_MARKED, *_PLAIN):
        setattr(package._yaml, error, getattr(getattr(package, module), error))
    return getattr(package, name)
