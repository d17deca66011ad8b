"""The stages of a query as a graph of plain data, read from the text in which the engine explains them.

```text
{"stages": [{"id": 1, "tasks": 4, "inputs": [0], "output": "hash(k@0) into 4", "operators": ["SortExec: …", "  StageReadExec: …"]}, …],
 "roots": [1]}
```

Operators stand as in the engine's plan: the last step first, what it reads below it, two spaces deeper.
"""

from __future__ import annotations

import re
from typing import Any

from tidemill.errors import PySparkValueError

__all__ = ["graph_of_text"]

# A stage's own line begins at the margin, and all lines of its plan are indented: a text in a plan cannot pass for one.
_STAGE = re.compile(r"Stage (\d+): (\d+) tasks?(?:, reads ([\d, ]*\d))?(?:, writes (.*))?$")
_ROOTS = re.compile(r"Roots: (.*)$")
_OPERATOR = re.compile(r" *[A-Z]\w*(: |:?$)")


def graph_of_text(said: str) -> dict[str, Any]:
    """The graph in a text of `explain`."""
    stages: list[dict[str, Any]] = []
    roots: list[int] = []
    for line in said.splitlines():
        if found := _STAGE.match(line):
            number, tasks, reads, writes = found.groups()
            inputs = [int(each) for each in (reads or "").split(",") if each.strip()]
            stages.append({"id": int(number), "tasks": int(tasks), "inputs": inputs, "output": writes, "operators": []})
        elif found := _ROOTS.match(line):
            roots = [int(each) for each in found[1].split(",") if each.strip()]
        elif stages and line.startswith("  ") and line.strip():
            operators = stages[-1]["operators"]
            if _OPERATOR.match(line) or not operators:
                operators.append(line[2:])
            else:
                # A text in the query has more than one line.
                operators[-1] += " " + line.strip()
    if not stages:
        raise PySparkValueError("the text explains no stages, and there is nothing to draw", errorClass="VALUE_NOT_NON_EMPTY_STR")
    return {"stages": stages, "roots": roots}
