"""How often one model's completions beat another's, also among completions of the same length.

Every completion of a prompt by the one is compared with every completion of it by the other; a draw is half a win.
Shapes: B = prompts, S and T = completions of a prompt by each, M = comparisons of all prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from workers.rlhf.resampling import Estimate, Numbers, Resampler

# Lengths that differ by no more than this share of the longer one count as the same.
SAME_LENGTH: Final = 0.1


@dataclass(frozen=True, slots=True)
class Comparisons:
    """All comparisons of two models: 1, ½ or 0 wins, by what share the first is longer, and whose prompt it was."""

    won_M: Numbers
    longer_M: Numbers
    prompt_M: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        score_BS: Sequence[Sequence[float]],
        other_BT: Sequence[Sequence[float]],
        length_BS: Sequence[Sequence[float]],
        other_length_BT: Sequence[Sequence[float]],
    ) -> Self:
        """Lay scores and lengths of both models' completions out, prompt after prompt in the same order."""
        won: list[Numbers] = []
        longer: list[Numbers] = []
        for place, (own, other) in enumerate(zip(score_BS, other_BT, strict=True)):
            length_S, other_T = np.array(length_BS[place], float), np.array(other_length_BT[place], float)
            won.append((np.sign(np.subtract.outer(own, other)).ravel() + 1) / 2)
            longest = np.maximum.outer(length_S, other_T).ravel()
            longer.append(np.subtract.outer(length_S, other_T).ravel() / np.maximum(longest, 1.0))
        empty = np.zeros(0)
        return cls(
            won_M=np.concatenate([empty, *won]),
            longer_M=np.concatenate([empty, *longer]),
            prompt_M=np.repeat(np.arange(len(won)), [len(part) for part in won]),
        )

    def win_rate(self) -> Estimate:
        """How often the first model wins; prompts count alike and are what the interval resamples."""
        weight_M = 1 / np.bincount(self.prompt_M)[self.prompt_M] if len(self.prompt_M) else self.won_M
        return Resampler(self.prompt_M).mean(self.won_M, weight_M)

    def shares(self) -> list[float]:
        """Of each prompt's comparisons, the share that the first model wins, a draw counting half; prompts without
        any are left out.
        """
        won_B, count_B = np.bincount(self.prompt_M, self.won_M), np.bincount(self.prompt_M)
        return [float(one) for one in won_B[count_B > 0] / count_B[count_B > 0]]

    def length_matched(self, within: float = SAME_LENGTH) -> Estimate:
        """How often it wins where lengths are about the same.

        Among those, comparisons in which it is a little longer count as much in all as those in which it is a little
        shorter: else a judge that looks at nothing but length would still prefer the one that is mostly shorter.
        """
        near_M = np.abs(self.longer_M) <= within
        side_M, won_M = np.sign(self.longer_M[near_M]), self.won_M[near_M]
        return Resampler(self.prompt_M[near_M]).statistic(lambda weight_M: balanced(won_M, side_M, weight_M))


def balanced(won_M: Numbers, side_M: Numbers, weight_M: Numbers) -> float | None:
    """The mean of `won_M` with sides -1 and 1 counting alike; a side without its opposite is left out."""
    size = {side: float(weight_M[side_M == side].sum()) for side in (-1, 0, 1)}
    mean = {
        side: float((won_M * weight_M)[side_M == side].sum()) / size[side] if size[side] else 0.5 for side in (-1, 0, 1)
    }
    both = size[-1] + size[1] if size[-1] and size[1] else 0.0
    if size[0] + both == 0:
        return None
    return (size[0] * mean[0] + both * (mean[-1] + mean[1]) / 2) / (size[0] + both)
