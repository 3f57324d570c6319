"""Other frameworks, where they are installed: found on PATH, which `make bench PEERS=DIR` extends.

In: a folder to write into. Out: services equal to ours, in their words.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import yaml

HANDLER = "def main(event, context):\n    return {'statusCode': 200}\n"


def absent() -> list[str]:
    """The peers that are not there."""
    return [name for name in ("osls", "sam", "chalice") if shutil.which(name) is None]


def osls(folder: Path, functions: int, packs_python: bool = False) -> Path:
    """A serverless.yml of so many functions with a route each; `packs_python` adds the plug-in."""
    declared = {
        f"f{n}": {
            "handler": "app.main",
            "events": [{"httpApi": {"method": "get", "path": f"/f{n}"}}],
        }
        for n in range(functions)
    }
    service: dict[str, object] = {
        "service": "bench",
        "provider": {"name": "aws", "runtime": "python3.11", "architecture": "x86_64"},
        "functions": declared,
    }
    if packs_python:
        service |= {
            "plugins": ["serverless-python-requirements"],
            "custom": {"pythonRequirements": {"dockerizePip": False}},
            "package": {"patterns": ["!node_modules/**", "!home/**"]},
        }
    return _written(folder, "serverless.yml", service)


def sam(folder: Path, functions: int) -> Path:
    """A template.yaml of so many functions, each with a route."""
    declared = {
        f"F{n}": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Handler": "app.main",
                "CodeUri": "handlers/",
                "Runtime": "python3.11",
                "Events": {
                    "Get": {"Type": "HttpApi", "Properties": {"Method": "get", "Path": f"/f{n}"}}
                },
            },
        }
        for n in range(functions)
    }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": declared,
    }
    handlers = folder / "handlers"
    handlers.mkdir(parents=True)
    (handlers / "app.py").write_text(HANDLER, "utf-8")
    return _written(folder, "template.yaml", template)


def chalice(folder: Path, routes: int) -> Path:
    """An app.py with so many routes: chalice has one function for all of them."""
    (folder / ".chalice").mkdir(parents=True)
    config = {"version": "2.0", "app_name": "bench", "stages": {"dev": {"manage_iam_role": True}}}
    (folder / ".chalice" / "config.json").write_text(json.dumps(config), "utf-8")
    lines = ["from chalice import Chalice", "app = Chalice(app_name='bench')"]
    for n in range(routes):
        lines += [f"@app.route('/f{n}')", f"def f{n}():", "    return {}"]
    (folder / "app.py").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "requirements.txt").write_text("", "utf-8")
    return folder


def _written(folder: Path, name: str, content: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    if not (folder / "handlers").is_dir():
        (folder / "app.py").write_text(HANDLER, "utf-8")
    return folder
