"""Imports ccxt without its hundred other exchanges, for a tenth of the CPU time of `import ccxt.pro`.

ccxt's three package modules import every exchange. Here bare module objects with the same search paths take
their places in `sys.modules`, and find exchange classes when they are asked for. That is proven for one
version only; with any other the whole of ccxt is imported, which is slow and right.
"""

import importlib
import importlib.metadata
import importlib.util
import logging
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PINNED_VERSION = "4.5.90"

_PACKAGES = ("ccxt", "ccxt.async_support", "ccxt.pro")
_EXCHANGE_CLASS = {
    "ccxt": "ccxt.base.exchange",
    "ccxt.async_support": "ccxt.async_support.base.exchange",
    "ccxt.pro": "ccxt.async_support.base.exchange",
}
# Where the names live that ccxt's own packages re-export.
_NAME_SOURCES = ("ccxt.base.errors", "ccxt.base.decimal_to_precision")

logger = logging.getLogger(__name__)


def exchange_class(exchange: str) -> type[Any]:
    """Return ccxt's streaming class of an exchange ("binance"); raises ValueError if there is none."""
    load()
    try:
        module = importlib.import_module(f"ccxt.pro.{exchange}")
    except ModuleNotFoundError as error:
        raise ValueError(f"ccxt has no streaming exchange {exchange!r}") from error
    found: type[Any] = getattr(module, exchange)
    return found


def load() -> ModuleType:
    """Put ccxt into `sys.modules`, lean if that is possible, and return it; a second call does nothing."""
    present = sys.modules.get("ccxt")
    if present is not None:
        return present
    version = importlib.metadata.version("ccxt")
    if version != PINNED_VERSION:
        logger.warning(
            "ccxt %s is not the version %s that the lean import is proven on; importing all of it",
            version,
            PINNED_VERSION,
        )
        importlib.import_module("ccxt.pro")
        return sys.modules["ccxt"]
    for name in _PACKAGES:
        parent, _, child = name.rpartition(".")
        module = _LeanPackage(_spec(name, sys.modules.get(parent)), version)
        sys.modules[name] = module
        if parent:
            setattr(sys.modules[parent], child, module)
    return sys.modules["ccxt"]


def is_lean() -> bool:
    """Tell whether ccxt is loaded by this module."""
    return isinstance(sys.modules.get("ccxt"), _LeanPackage)


class _LeanPackage(ModuleType):
    """A package whose names are found when they are asked for."""

    def __init__(self, spec: ModuleSpec, version: str) -> None:
        super().__init__(spec.name, "ccxt, imported lean")
        self.__spec__ = spec
        self.__path__ = list(spec.submodule_search_locations or [])
        self.__file__ = spec.origin
        self.__package__ = spec.name
        self.__version__ = version

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = _find(self.__name__, name)
        super().__setattr__(name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """Bind an exchange's name to its class, as ccxt does, when the import system binds the module."""
        if isinstance(value, ModuleType) and isinstance(vars(value).get(name), type):
            value = vars(value)[name]
        super().__setattr__(name, value)


def _find(package: str, name: str) -> Any:
    if name == "Exchange":
        return importlib.import_module(_EXCHANGE_CLASS[package]).Exchange
    for source in _NAME_SOURCES:
        values = vars(importlib.import_module(source))
        if name in values:
            return values[name]
    try:
        module = importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        raise AttributeError(f"module {package!r} has no attribute {name!r}") from error
    return vars(module).get(name, module)


def _spec(name: str, parent: ModuleType | None) -> ModuleSpec:
    if parent is None:
        spec = importlib.util.find_spec(name)
    else:
        # find_spec(name) would look at the parent in sys.modules, which is ours and has the right path
        spec = importlib.machinery.PathFinder.find_spec(name, list(parent.__path__))
    if spec is None:
        raise ModuleNotFoundError(name)
    return spec
