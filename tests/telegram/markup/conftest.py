"""Gives the tests of this folder their independent judge of messages."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def entity_rules() -> ModuleType:
    """The module `entity_rules` beside this file; folders of tests are not packages."""
    path = Path(__file__).with_name("entity_rules.py")
    spec = importlib.util.spec_from_file_location("markup_entity_rules", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
