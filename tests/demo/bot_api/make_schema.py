"""Makes the Bot API stand-in's schema file out of the one that aiogram publishes.

    pip download --no-binary :all: --no-deps --dest /tmp/schema aiogram==3.31.0
    python tests/demo/bot_api/make_schema.py /tmp/schema/aiogram-3.31.0.tar.gz

Kept are names, types, which fields are required, the members of unions, and the words that a field is
limited to where its description lists them. Dropped are the descriptions and links (2 MB become 0.2 MB).
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[3] / "src/codex_gateway/demo/bot_api/bot_api_schema.json"
SOURCE = "aiogram {version}, source distribution, .butcher/schema/schema.json"
LICENCE = "MIT, Copyright (c) 2017 - present Alex Root Junior"

_ALWAYS = re.compile(r"(?:always|must be) ['\"“]?([a-z0-9_]+)['\"”]?\.?$")
_ONE_OF = re.compile(r"must be one of (.+)", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r"'([A-Za-z0-9_/]+)'")
_MEMBER = re.compile(r"^ - (\w+)$", re.MULTILINE)

#: The description names a String and an Array before the list of types.
_EXTRA_MEMBERS = {"RichText": ["String", "Array of RichText"]}


def trim(published: dict[str, Any], version: str) -> dict[str, Any]:
    """Return what the stand-in needs of the published document."""
    methods: dict[str, Any] = {}
    types: dict[str, Any] = {}
    for chapter in published["items"]:
        for item in chapter["children"]:
            fields = {field["name"]: _trim_field(field) for field in item["annotations"]}
            if item["category"] == "methods":
                methods[item["name"]] = fields
            elif members := _EXTRA_MEMBERS.get(item["name"], []) + _MEMBER.findall(item["description"]):
                if fields:  # a list inside an ordinary type's description is not a union
                    types[item["name"]] = {"fields": fields}
                else:
                    types[item["name"]] = {"one_of": members}
            else:
                types[item["name"]] = {"fields": fields}
    return {
        "source": SOURCE.format(version=version),
        "licence": LICENCE,
        "bot_api": published["api"]["version"],
        "methods": methods,
        "types": types,
    }


def _trim_field(field: dict[str, Any]) -> dict[str, Any]:
    trimmed: dict[str, Any] = {"type": field["type"]}
    if field["required"]:
        trimmed["required"] = True
    if field["type"] == "String":
        description = field["description"].strip()
        if field["name"] in ("type", "source", "status") and (always := _ALWAYS.search(description)):
            trimmed["words"] = [always.group(1)]
        elif (one_of := _ONE_OF.search(description)) and (
            words := list(dict.fromkeys(_QUOTED.findall(one_of.group(1))))
        ):
            trimmed["words"] = words
        elif description.startswith("Type of the entity. Currently, can be "):
            trimmed["words"] = _QUOTED.findall(description)
    return trimmed


def main(archive: Path) -> None:
    """Write the schema file from the archive."""
    version = re.fullmatch(r"aiogram-(.+)\.tar\.gz", archive.name)
    if version is None:
        raise SystemExit(f"{archive.name}: not a source distribution of aiogram")
    with tarfile.open(archive) as tar:
        member = tar.extractfile(f"aiogram-{version.group(1)}/.butcher/schema/schema.json")
        if member is None:
            raise SystemExit(f"{archive.name}: holds no schema")
        published = json.load(member)
    trimmed = trim(published, version.group(1))
    lines = [f'"{key}": {json.dumps(trimmed[key])}' for key in ("source", "licence", "bot_api")]
    for part in ("methods", "types"):
        entries = ",\n".join(f'  "{name}": {json.dumps(value)}' for name, value in trimmed[part].items())
        lines.append(f'"{part}": {{\n{entries}\n}}')
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{TARGET}: {len(trimmed['methods'])} methods, {len(trimmed['types'])} types")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
