"""Values that fit what a plugin asks for, made up: for its configuration and for its actions' arguments."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.registry.entry import Variable

_EXAMPLE = re.compile(r"(?:e\.g\.|for example|such as)[,:]?\s*['\"`]([^'\"`]{1,80})['\"`]", re.IGNORECASE)
_FORMATS = {
    "uri": "http://127.0.0.1:9",
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00+00:00",
    "uuid": "6aee8177-4ba4-58e6-a842-e9fd1ee4bde3",
    "email": "nobody@example.org",
}


class Inventor:
    """Makes values up; those that name something on this machine are in *folder*, which is made when one is wanted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def value_for(self, variable: Variable) -> str:
        """Return a value for a variable that is asked for: a file or folder of its own, or a key that is none."""
        name = variable.name.upper()
        if variable.choices:
            return variable.choices[0]
        if variable.format in ("number", "boolean"):
            return {"number": "1", "boolean": "true"}[variable.format]
        if variable.format == "filepath" and re.search(r"OAUTH|CREDENTIALS|CLIENT_SECRET", name):
            return str(self._sign_in_file())
        said = f"{name} {variable.description.upper()}"
        if re.search(r"DIR|FOLDER|ROOT|WORKSPACE|REPO", said) and re.search(r"PATH|DIR|FOLDER|ROOT|REPO", name):
            return str(self._repository())
        if variable.format == "filepath" or re.search(r"PATH|FILE", name):
            return str(self._folder.with_suffix(".db"))
        if re.search(r"E?MAIL_?(ADDRESS|USER)|^EMAIL$", name):
            return "nobody@example.org"
        if re.search(r"(^|_)HOST(NAME)?$", name):
            return "127.0.0.1"
        return "http://127.0.0.1:9" if re.search(r"URL|ENDPOINT|URI", name) else "not-a-real-key"

    def arguments_for(self, schema: dict[str, Any], root: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return arguments that fit *schema*: what is required; of an elizaOS action, which requires nothing, all."""
        properties = schema.get("properties", {})
        wanted = schema.get("required") or (list(properties) if "text" in properties else [])
        return {name: self._example(properties.get(name, {}), root or schema, name) for name in wanted}

    def _example(self, schema: Any, root: dict[str, Any], name: str, depth: int = 0) -> Any:
        """Return a small value that fits the schema of property *name*; *root* holds what it refers to."""
        if not isinstance(schema, dict) or depth > 8:
            return "test"
        if "$ref" in schema:
            found: Any = root
            for step in schema["$ref"].lstrip("#/").split("/"):
                found = found.get(step, {})
            return self._example(found, root, name, depth + 1)
        for given in ("default", "const"):
            if given in schema:
                return schema[given]
        for given in ("enum", "examples"):
            if isinstance(schema.get(given), list) and schema[given]:
                return schema[given][0]
        for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
            return self._example(each, root, name, depth + 1)
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) and kind else kind
        if kind == "object":
            return self.arguments_for(schema, root)
        if kind == "array":
            items = schema.get("items", {})
            return [self._example(items, root, name, depth + 1) for _ in range(max(schema.get("minItems", 0), 1))]
        if kind in ("integer", "number"):
            return max(1, schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
        return self._text(schema, name) if kind not in ("boolean", "null") else kind == "boolean" or None

    def _text(self, schema: dict[str, Any], name: str) -> str:
        description = str(schema.get("description", ""))
        if "HH:MM" in description:
            return "12:00"
        if found := _EXAMPLE.search(description):
            return found[1]
        if re.search(r"path|dir|folder|repo|^files?$", name, re.IGNORECASE):
            folder = self._repository()
            return str(folder / "words.txt" if re.search(r"file|^path$", name, re.IGNORECASE) else folder)
        return _FORMATS.get(schema.get("format", ""), "test").ljust(schema.get("minLength", 0), "x")

    def _sign_in_file(self) -> Path:
        """Return a file as Google gives it to those who let an app of theirs sign people in; of nobody's app."""
        file = self._folder.with_suffix(".json")
        if not file.exists():
            where = {"auth_uri": "http://127.0.0.1:9/auth", "token_uri": "http://127.0.0.1:9/token"}
            app = {"client_id": "nobody.example.org", "client_secret": "not-a-real-key", **where}
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"installed": {**app, "redirect_uris": ["http://localhost"]}}))
        return file

    def _repository(self) -> Path:
        """Return a folder with a file in it, under git where this machine has it."""
        if not self._folder.exists():
            self._folder.mkdir(parents=True)
            (self._folder / "words.txt").write_text("test\n")
            if git := shutil.which("git"):
                who = ("-c", "user.name=test", "-c", "user.email=nobody@example.org")
                for words in (("init", "--quiet", "--initial-branch=test"), ("add", "."), ("commit", "-qm", "test")):
                    subprocess.run([git, *who, *words], cwd=self._folder, check=True, timeout=60)
        return self._folder
