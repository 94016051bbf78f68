"""Run one function in this process, and print its result as a last line of JSON.

    python -m benchmarks._child MODULE:FUNCTION '{"argument": 1}'

Every competitor then starts without the threads, caches and memory of other frameworks.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

MARK = "result:"


def call(target: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call ``module:function`` with keyword arguments."""
    module, function = target.split(":")
    return getattr(import_module(module), function)(**arguments)


if __name__ == "__main__":
    print(MARK + json.dumps(call(sys.argv[1], json.loads(sys.argv[2]))), flush=True)
