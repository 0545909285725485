"""Write completions for prompts with one or several models, in batches, telling of each as soon as it ends."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from workers.rlhf import models
from workers.rlhf.configs import SampleConfig
from workers.rlhf.data import BadDataError, Chat, Encoded
from workers.rlhf.drawing import listed
from workers.rlhf.models import Role
from workers.rlhf.sampling import Completion, Sampling, row_seed, sample, text_of
from workers.rlhf.training import chunks

ROLE = "policy"
# So many batches' completions are lined up together: like lengths side by side, and no place stays empty for long.
BATCHES_IN_LINE: Final = 8


@dataclass(frozen=True, slots=True)
class Request:
    """One wanted completion."""

    prompt_id: int | str
    messages: list[dict[str, str]]
    model: str
    index: int


@dataclass(frozen=True, slots=True)
class Written:
    """A request with what the model wrote."""

    request: Request
    text: str
    seed: int
    completion: Completion

    @property
    def finish_reason(self) -> str:
        """`stop` if the model ended it itself or a stop string did, `length` if it was cut."""
        return "stop" if self.completion.ended else "length"


@dataclass(frozen=True, slots=True)
class Step:
    """What was lined up together is done."""

    number: int
    total: int
    cut_prompts: int


OnWritten = Callable[[Written], None]


def requests_of(rows: Iterable[dict[str, Any]], config: SampleConfig) -> list[Request]:
    """Every wanted completion, prompt after prompt, one model after the other.

    A row without `requests` gets `completions_per_prompt` completions of the model called `policy`.

    Raises:
        BadDataError: a row without prompt or with a request that can't be read.
    """
    wanted: list[Request] = []
    for row in rows:
        plain = [{"model": ROLE, "count": config.completions_per_prompt, "first_index": 0}]
        try:
            for entry in row.get("requests", plain):
                places = range(entry["first_index"], entry["first_index"] + entry["count"])
                wanted += [Request(row["prompt_id"], row["messages"], entry["model"], place) for place in places]
        except (KeyError, TypeError) as error:
            raise BadDataError(f"prompt {row.get('prompt_id')}: {error} is missing or of the wrong kind") from error
    return sorted(wanted, key=lambda request: request.model)


def write(
    folders: dict[str, Path], requests: Sequence[Request], config: SampleConfig, on_written: OnWritten, *, seed: int
) -> Iterator[Step]:
    """Write all requests, one yield for what is lined up together; models are loaded one at a time.

    Raises:
        BadDataError: a request names a model that is not among `folders`.
    """
    plan = Sampling(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        presence_penalty=config.presence_penalty,
        frequency_penalty=config.frequency_penalty,
        stop_strings=listed(config.stop_strings),
        max_new_tokens=config.max_new_tokens,
    )
    by_model = {name: list(group) for name, group in groupby(requests, key=lambda request: request.model)}
    size = config.rows_per_batch * BATCHES_IN_LINE
    total = sum(-(-len(group) // size) for group in by_model.values())
    number = 0
    for name, group in by_model.items():
        if name not in folders:
            raise BadDataError(f"there is no model {name!r}")
        role = role_of(folders[name])
        for batch in chunks(group, size):
            number += 1
            yield Step(number, total, write_batch(role, batch, config, plan, on_written, seed=seed))


def role_of(folder: Path) -> Role:
    """Any artifact as a role that can write."""
    model = models.load_model(folder, ROLE)
    return Role(model, ROLE if ROLE in model.adapters else None)


def write_batch(
    role: Role,
    requests: Sequence[Request],
    config: SampleConfig,
    plan: Sampling,
    on_written: OnWritten,
    *,
    seed: int,
) -> int:
    """Write what is in line, `rows_per_batch` side by side; the number of its prompts that lost their beginning."""
    prompts = prompts_of(role.model.chat, requests, config)
    places = {prompt_id: place for place, prompt_id in enumerate(prompts)}
    seeds = [row_seed(seed, request.prompt_id, request.index) for request in requests]

    def tell(row: int, completion: Completion) -> None:
        text = text_of(role.model.chat, completion)
        on_written(Written(requests[row], text, seeds[row], completion))

    owner = [places[request.prompt_id] for request in requests]
    asked = [prompt.ids for prompt in prompts.values()]
    sample(role, asked, owner, seeds, plan, width=config.rows_per_batch, on_finished=tell)
    return sum(prompt.cut > 0 for prompt in prompts.values())


def prompts_of(chat: Chat, requests: Sequence[Request], config: SampleConfig) -> dict[int | str, Encoded]:
    """Each prompt of a batch once, as tokens."""
    messages = {request.prompt_id: request.messages for request in requests}
    return {prompt_id: chat.prompt(said, config.max_prompt_tokens) for prompt_id, said in messages.items()}
