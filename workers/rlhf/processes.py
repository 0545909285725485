"""One recipe in one process or in several: who am I, which share is mine, and what do all of us add up to.

Started by `accelerate launch` or `torchrun`, every process runs the same plan on its share of each step's batches;
gradients are summed over all of them before the one optimizer step that all take alike.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

import torch
import torch.distributed as dist
from accelerate import PartialState  # type: ignore[import-untyped]
from torch import Tensor, nn

Item = TypeVar("Item")
BUCKET_BYTES: Final = 1 << 25
# The variable that names the file where the processes of a run find each other, where no address is given.
MEETING: Final = "RUN_MEETING"


@dataclass(frozen=True, slots=True)
class Team:
    """This process among `size` processes."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process speaks and writes for all."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> list[Item]:
        """Every `size`-th item, from this process's own place on."""
        return list(islice(items, self.rank, None, self.size))

    def gathered(self, items: Sequence[Item]) -> list[Item]:
        """What all processes have of a list of which each took its `share`, in the list's order."""
        if self.size == 1:
            return list(items)
        parts: list[list[Item]] = [[] for _ in range(self.size)]
        dist.all_gather_object(parts, list(items))
        rounds = max(map(len, parts))
        return [part[place] for place in range(rounds) for part in parts if place < len(part)]

    def add_up(self, values: Tensor) -> Tensor:
        """The sum of all processes' tensors; each filled in its share and left zeros elsewhere."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def sum(self, numbers: Sequence[float], device: torch.device) -> list[float]:
        """Each number summed over all processes, in fp64."""
        if self.size == 1:
            return list(numbers)
        total = torch.tensor(list(numbers), dtype=torch.float64, device=device)
        dist.all_reduce(total)
        return [float(number) for number in total.tolist()]

    def sum_gradients(self, weights: Iterable[nn.Parameter]) -> None:
        """Put the sum of all processes' gradients into each weight; a process without one counts as zero."""
        if self.size == 1:
            return
        for bucket in buckets(list(weights)):
            gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in bucket]
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            dist.all_reduce(flat)
            parts: Sequence[Tensor] = flat.split([gradient.numel() for gradient in gradients])  # type: ignore[no-untyped-call]
            for weight, part in zip(bucket, parts, strict=True):
                weight.grad = part.view_as(weight).clone()

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            dist.barrier()

    def leave(self) -> None:
        """End the exchange with the other processes, at the end of all work."""
        if self.size > 1:
            PartialState().destroy_process_group()


ALONE: Final = Team()


def team() -> Team:
    """The processes that this one was started with; joins them on the first call. Alone, nothing is set up."""
    if int(os.environ.get("WORLD_SIZE", "1")) <= 1:
        return Team()
    threads = torch.get_num_threads()
    state = PartialState(cpu=not torch.cuda.is_available(), **meeting_place())
    torch.set_num_threads(threads)
    return Team(state.process_index, state.num_processes)


def meeting_place() -> dict[str, Any]:
    """How the processes find each other: in a file where there is one; nothing for the address in the environment."""
    if MEETING not in os.environ:
        return {}
    rank, size = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE"))
    return {"init_method": f"file://{os.environ[MEETING]}", "rank": rank, "world_size": size}


def buckets(weights: Sequence[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Consecutive weights of one type, a few megabytes each time: one exchange instead of hundreds."""
    bucket: list[nn.Parameter] = []
    size = 0
    for weight in weights:
        if bucket and (weight.dtype != bucket[0].dtype or size + weight.nbytes > BUCKET_BYTES):
            yield bucket
            bucket, size = [], 0
        bucket.append(weight)
        size += weight.nbytes
    if bucket:
        yield bucket
