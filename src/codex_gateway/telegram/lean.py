"""aiogram, with none of its models built but those that we use.

Importing it builds the validators of all its 400 models: 2 s and 100 MB at every start (aiogram 3.31). We need a dozen.
Everybody here takes aiogram's names from this module. Where aiogram was imported before it, nothing is saved and
nothing breaks.
"""

from __future__ import annotations

import sys
from typing import Any, Literal, Optional, Union

from pydantic import BaseModel


def _leave_unbuilt(_: type[BaseModel], /, **__: object) -> None:
    pass


def _import_unbuilt() -> None:
    rebuild = BaseModel.__dict__["model_rebuild"]
    # aiogram.types ends with a loop that calls this on each of its models, and nothing else does during the import
    BaseModel.model_rebuild = classmethod(_leave_unbuilt)  # type: ignore[method-assign, assignment]
    try:
        import aiogram  # noqa: F401
    finally:
        BaseModel.model_rebuild = rebuild  # type: ignore[method-assign]


if "aiogram" not in sys.modules:
    _import_unbuilt()

from aiogram import Bot, exceptions, methods, types  # noqa: E402
from aiogram.client.default import Default  # noqa: E402
from aiogram.client.session.aiohttp import AiohttpSession  # noqa: E402
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer  # noqa: E402
from aiogram.utils.token import TokenValidationError  # noqa: E402

__all__ = [
    "PRODUCTION",
    "AiohttpSession",
    "Bot",
    "TelegramAPIServer",
    "TokenValidationError",
    "build",
    "exceptions",
    "methods",
    "types",
]

#: The names that aiogram's annotations use, as its own loop gives them.
_NAMES: dict[str, Any] = {
    "List": list,
    "Optional": Optional,
    "Union": Union,
    "Literal": Literal,
    "Default": Default,
    **{name: getattr(types, name) for name in types.__all__},
}


def build(*models: type[BaseModel]) -> None:
    """Build the validators of these models, and of what they hold."""
    for model in models:
        model.model_rebuild(_types_namespace=_NAMES)
