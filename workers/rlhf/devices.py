"""The accelerators that a training process would find here, as JSON: `python -m workers.rlhf.devices`."""

import json
from typing import Any

import torch


def found() -> list[dict[str, Any]]:
    """Kind, name and memory in bytes of each device that torch may use."""
    properties = (torch.cuda.get_device_properties(place) for place in range(torch.cuda.device_count()))
    return [{"kind": "cuda", "name": one.name, "memory_bytes": one.total_memory} for one in properties]


if __name__ == "__main__":
    print(json.dumps(found()))
