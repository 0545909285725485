"""Demonstrations made of random tokens in real lengths, the same for whoever asks: what `sft_vs_trl` trains on."""

import random
from typing import Any

# Tokens (SmolLM2's) of prompt with its chat marks, and of answer with its end, in 128 human demonstrations drawn from
# 12,009 published ones (school maths, tasks of many kinds, questions to an assistant, answers over a given text); of
# texts up to 1,024 tokens.
REAL_LENGTHS = [
    *[(46, 51), (38, 3), (52, 94), (51, 50), (77, 120), (86, 115), (53, 75), (77, 61), (207, 27), (72, 115)],
    *[(50, 134), (45, 49), (94, 156), (48, 111), (106, 193), (50, 74), (48, 63), (79, 145), (51, 37), (46, 44)],
    *[(84, 65), (49, 124), (47, 2), (80, 126), (76, 103), (86, 4), (91, 2), (607, 116), (898, 126), (250, 2)],
    *[(66, 118), (204, 27), (87, 190), (85, 157), (68, 156), (57, 54), (52, 107), (271, 61), (57, 84), (50, 2)],
    *[(65, 67), (601, 101), (53, 51), (77, 24), (56, 73), (26, 2), (51, 78), (39, 49), (55, 6), (92, 121)],
    *[(74, 88), (36, 75), (127, 44), (51, 110), (15, 16), (197, 2), (102, 92), (49, 43), (52, 97), (154, 2)],
    *[(85, 55), (73, 84), (40, 49), (84, 3), (50, 2), (58, 58), (68, 178), (73, 3), (65, 15), (88, 2)],
    *[(59, 88), (107, 69), (85, 113), (67, 169), (88, 141), (60, 78), (74, 131), (82, 129), (54, 118), (168, 5)],
    *[(44, 83), (44, 118), (86, 154), (24, 11), (67, 125), (19, 26), (76, 112), (78, 59), (72, 94), (58, 11)],
    *[(83, 261), (73, 67), (81, 61), (59, 122), (253, 4), (98, 42), (60, 48), (49, 63), (335, 2), (97, 168)],
    *[(54, 67), (44, 76), (95, 124), (47, 57), (61, 63), (75, 78), (235, 3), (65, 149), (42, 74), (31, 8)],
    *[(65, 156), (54, 52), (75, 77), (72, 2), (91, 175), (903, 99), (20, 83), (116, 2), (233, 66), (39, 67)],
    *[(64, 45), (167, 23), (36, 4), (33, 2), (201, 3), (201, 16), (82, 69), (45, 153)],
]
EQUAL_LENGTHS = [(104, 74)]
LENGTHS = {"real": REAL_LENGTHS, "equal": EQUAL_LENGTHS}
# Below these are the special tokens of the tiny tokenizer, which no text holds.
FIRST_TOKEN = 8
STOP = 2


def demonstrations_of(plan: dict[str, Any]) -> list[tuple[list[int], list[int]]]:
    """`steps` × `rows` demonstrations (prompt, answer) as token ids; every answer ends with the stop token."""
    draw = random.Random(plan["seed"])  # noqa: S311 -- data, not secrets

    def tokens(count: int) -> list[int]:
        return [draw.randrange(FIRST_TOKEN, plan["vocabulary"]) for _ in range(count)]

    shuffled: list[tuple[int, int]] = []
    while len(shuffled) < plan["steps"] * plan["rows"]:
        known = list(LENGTHS[plan["lengths"]])
        draw.shuffle(known)
        shuffled += known
    chosen = shuffled[: plan["steps"] * plan["rows"]]
    return [(tokens(asked), [*tokens(answered - 1), STOP]) for asked, answered in chosen]
