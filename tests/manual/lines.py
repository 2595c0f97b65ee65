"""sealgate-audit(5): the lines of the record, from the schema that each is held to (sealgate/audit/schema.json)."""

import importlib.resources
import json
from typing import Any

from tests.manual.roff import head, item, paragraphs, seen, typed

SECTION = 5
# Fields that every line has, or nearly every one: told once.
SHARED = ("v", "kind", "seq", "prev", "w", "t", "host", "software", "id")


def schema() -> dict[str, Any]:
    """The schema of a line."""
    text = importlib.resources.files("sealgate.audit").joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _resolved(node: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to; its own words win."""
    if "$ref" not in node:
        return node
    found: dict[str, Any] = {"$defs": defs}
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return {**_resolved(found, defs), **{key: value for key, value in node.items() if key != "$ref"}}


def _named(node: dict[str, Any]) -> str:
    """The name of the form that a schema refers to, where it is one of those told apart."""
    name = str(node.get("$ref", "")).rpartition("/")[2]
    return name if name and "/fields/" not in node["$ref"] else ""


def _form(node: dict[str, Any], defs: dict[str, Any]) -> str:
    """What a value is, in few words."""
    whole = _resolved(node, defs)
    if "const" in whole:
        return f"`{whole['const']}`" if whole["const"] != "" else "empty"
    if "enum" in whole:
        return " | ".join(f"`{each}`" if each else "empty" for each in whole["enum"])
    if whole.get("type") == "array":
        return "list" if not whole.get("items") else f"list of {_form(whole['items'], defs)}"
    if (name := _named(node)) and name not in ("digest", "time"):
        return name.replace("_", " ")
    if "oneOf" in whole:
        return " or ".join(dict.fromkeys(_form(each, defs) for each in whole["oneOf"]))
    kinds = {"digest": "digest", "time": "time"}
    return kinds.get(name, str(whole.get("type", "value")))


def _entry(name: str, node: dict[str, Any], defs: dict[str, Any], *, missing: bool) -> list[str]:
    told = str(_resolved(node, defs).get("description", "")).replace("See the end of this page.", "See audit.md.")
    whole = _resolved(node, defs)
    # What can only be one word is told by its description.
    form = "" if isinstance(whole.get("const"), str) and whole["const"] else f"({_form(node, defs)}) "
    return item([name], [f"{form}{told}{' It may be missing.' if missing else ''}"])


def _entries(node: dict[str, Any], defs: dict[str, Any], *, leave_out: tuple[str, ...] = ()) -> list[str]:
    needed = node.get("required", ())
    return [
        line
        for name, each in node.get("properties", {}).items()
        if name not in leave_out
        for line in _entry(name, each, defs, missing=name not in needed)
    ]


def _kind(node: dict[str, Any]) -> str:
    properties = node["properties"]
    parts = [properties["kind"]["const"]]
    parts += [
        str(properties[key]["const"])
        for key in ("stage", "result", "what", "why")
        if "const" in properties.get(key, {})
    ]
    return ", ".join(parts)


def page() -> str:
    """sealgate-audit(5)."""
    whole = schema()
    defs = whole["$defs"]
    kinds = [each["$ref"].rpartition("/")[2] for each in whole["oneOf"]]
    lines = head("sealgate-audit", SECTION, "the lines of sealgate's record")
    lines += [
        ".SH SYNOPSIS",
        ".I /var/log/sealgate/audit.jsonl",
        ".SH DESCRIPTION",
        *paragraphs([whole["description"]])[1:],
    ]
    lines += paragraphs(INTRODUCTION.split("\n\n"))
    always = set.intersection(*(set(defs[name]["required"]) for name in kinds))
    lines += [".SH FIELDS OF EVERY LINE", *item(["kind"], ["What kind of line it is: one of those below."])]
    lines += _entries({**defs["fields"], "required": sorted(always)}, defs)
    for name in kinds:
        node = defs[name]
        lines += [f".SH {typed(_kind(node).upper())}", *paragraphs([node["description"]])[1:]]
        lines += _entries(node, defs, leave_out=SHARED)
    lines += [".SH FORMS", "What the fields above are made of."]
    for name, node in defs.items():
        if name not in kinds and name != "fields":
            lines += [f".SS {typed(name.replace('_', ' '))}", *paragraphs([node.get("description", "")])[1:]]
            lines += _entries(node, defs)
            for each in node.get("oneOf", ()):
                if "properties" in each:
                    lines += [*paragraphs([each.get("description", "")]), *_entries(each, defs)]
    lines += seen([("sealgate-audit", 8), ("sealgate-rules", 7), ("sealgate-profile.yaml", 5), ("sealgate", 8)])
    return "\n".join([*lines, ""])


INTRODUCTION = """\
A line of kind `decision` was on disk before the SMTP reply that it records was sent. Its fields `seq` and `prev` chain
it to the line before; lines of kind `checkpoint` sign what stands before them. sealgate-audit(8) reads, searches and
proves all this: nobody has to read a line by eye.

In each form below stand the fields that it has beside those of every line. A field is always there unless it says that
it may be missing.
"""
