"""What a finished run says of its work, on the wire. Keys are those of the recipe's `report.json`."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Estimate(BaseModel):
    """A figure with its 95 % interval; null where it is not defined, bounds null where groups are too few."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Difference(Estimate):
    """A difference, and on which side of 0 its whole interval is."""

    verdict: Literal["above", "below", "within noise"]


class CalibrationBin(BaseModel):
    """Pairs whose given chance lies from `from` to `to`: the mean chance, and how often it came true."""

    start: float = Field(alias="from")
    to: float
    pairs: int
    predicted: float
    observed: float
    low: float
    high: float


class Calibration(BaseModel):
    """How far the chances can be believed; a perfect model, too, shows an error at this many pairs."""

    slope: Estimate
    intercept: Estimate
    curve: list[CalibrationBin]
    error: float | None
    error_of_a_perfect_model: float | None
    error_within_noise: bool | None


class Ceiling(BaseModel):
    """A person foretold by the others' majority, beside the model on the same judgments."""

    judgments: int
    people: Estimate
    model: Estimate
    longer_is_better: Estimate
    model_over_people: Difference
    reached: Estimate


class Part(BaseModel):
    """The figures of one value of a property; the value stands under the property's own name."""

    model_config = ConfigDict(extra="allow")

    decided: int
    accuracy: Estimate
    log_loss: Estimate | None = None


class Histogram(BaseModel):
    """How many values lie between each two neighbouring edges."""

    edges: list[float]
    counts: list[int]


class ModelScores(BaseModel):
    """Scores around their prompt's mean of the completions that one model wrote, as percentiles."""

    model: str
    completions: int
    percentiles: dict[str, float]


class Scores(BaseModel):
    """How the scores are spread; reports of earlier versions have no histogram."""

    around_prompt_mean: dict[str, float]
    prompt_means: dict[str, float]
    distance: dict[str, float]
    histogram: Histogram | None = None
    by_model: list[ModelScores] | None = None


class Votes(BaseModel):
    """How many people said what of a pair."""

    preferred: int
    other: int
    tie: int


class Disagreement(BaseModel):
    """A decided pair to which the model gave little chance."""

    prompt: int | str
    line: int
    annotator: str
    chance: float
    asked: str
    preferred: str
    other: str
    margin: float | None = None
    votes: Votes | None = None


class Judged(BaseModel):
    """The model against judgments that were kept from its training."""

    split: str
    read_by: str
    groups: int
    judgments: int
    pairs: int
    decided: int
    factor: float
    theta: float
    log_loss: Estimate
    undecided_log_loss: Estimate
    gain: Difference
    accuracy: Estimate
    longer_is_better: Estimate
    accuracy_over_longer: Difference
    tau_b: Estimate
    tie_auc: Estimate
    brier: Estimate
    calibration: Calibration
    ceiling: Ceiling | None
    parts: dict[str, list[Part]]
    scores: Scores
    disagreements: list[Disagreement]


class HeldOut(BaseModel):
    """How many prompts were kept from training, or why there is nothing to say."""

    prompts: int
    reason: str | None


class SplitFigures(BaseModel):
    """Agreement with people on one split."""

    accuracy: float | None
    log_loss: float | None
    pairs: int


class Found(BaseModel):
    """A finding of the look at the data; its `list` names the first places."""

    model_config = ConfigDict(extra="allow")


class BadRows(Found):
    """Lines that could not be read."""

    count: int


class Dropped(BaseModel):
    """Prompts from which nothing is learnt."""

    no_comparison: int
    all_tied: int


class Identical(BaseModel):
    """Pairs of equal texts, which are left out."""

    pairs: int
    prompts: int


class PairsFound(Found):
    """So many pairs."""

    pairs: int


class PromptsFound(Found):
    """So many prompts."""

    prompts: int


class Truncated(BaseModel):
    """What was too long, and the pairs that cutting made equal."""

    prompts: int
    completions: int
    tokens: int
    made_equal: PairsFound


class Contradictory(BaseModel):
    """One person on both sides, and majorities that go in a circle."""

    same_person: PairsFound
    cycles: PromptsFound


class Leaking(Found):
    """Groups of prompts that share text across splits."""

    groups: int
    prompts: int


class Dominance(BaseModel):
    """The most active annotator."""

    annotator: str | None
    judgments: int
    share: float | None


class LengthBias(BaseModel):
    """How often the longer completion was preferred."""

    longer_preferred: float | None
    pairs: int


class Overlap(BaseModel):
    """How many judged the same, and what their judgments weigh together."""

    judgments_per_pair: float
    effective_judgments: float
    correlation: float


class Preflight(BaseModel):
    """The look at the data before anything was trained."""

    model_config = ConfigDict(extra="allow")

    prompts: int
    judgments: int
    annotators: int
    pairs: int
    ties: float
    splits: dict[str, int]
    overlap: Overlap
    bad_rows: BadRows
    dropped: Dropped
    identical: Identical
    truncated: Truncated
    contradictory: Contradictory
    leaking: Leaking
    dominance: Dominance
    length_bias: LengthBias


class LearntAnnotator(BaseModel):
    """How sharply a person sees differences (1 is everybody's middle), and how readily they tie."""

    annotator: str
    judgments: int
    scale: float
    tie_shift: float


class RewardReport(BaseModel):
    """The report of a reward run; `exposures` and `lineage` are told as the recipe wrote them."""

    model_config = ConfigDict(extra="allow")

    judged: Judged | None
    held_out: HeldOut
    by_split: dict[str, SplitFigures]
    length_correlation: float | None
    steps: int
    warnings: list[str]
    preflight: Preflight
    exposures: dict[str, float]
    lineage: dict[str, Any]
    people: list[LearntAnnotator] | None = None


class Counts(BaseModel):
    """How much was learnt from, and how much was held out."""

    learnt: int
    held_out: int


class Cuts(BaseModel):
    """Texts that were too long."""

    completions: int
    texts: int


class SftReport(BaseModel):
    """The report of a fine-tuning run."""

    model_config = ConfigDict(extra="allow")

    conversations: Counts
    tokens: Counts
    cut: Cuts
    data_sha256: str
    seed: int


class JudgeCuts(BaseModel):
    """What was too long for a judge."""

    prompts: int
    completions: int


class JudgeOf(BaseModel):
    """Who judged: an independent judge, or a proxy that had a hand in a model it compares and so promotes nothing."""

    name: str
    sha256: str
    standing: Literal["judge", "proxy"]
    why: str
    cut: JudgeCuts | None = None


class ComparedModels(BaseModel):
    """The policy against another model before one judge; the verdict is of the win rate's interval.

    `shares`: of each prompt's pairs, how many the policy wins; reports of before it was kept have none.
    """

    against: str
    judge: str
    standing: Literal["judge", "proxy"]
    win_rate: Estimate
    length_matched_win_rate: Estimate
    verdict: Literal["better", "worse", "within noise"]
    better: Estimate
    shares: list[float] = []


class SeenBy(BaseModel):
    """The mean score, and how far a judge's heads differ."""

    mean: float
    spread: float | None


class WayPoint(BaseModel):
    """A model at its distance from the reference, with what judges of either standing think of it, and each by name."""

    model: str
    kl: float
    sqrt_kl: float
    judge: SeenBy | None
    proxy: SeenBy | None
    seen: dict[str, SeenBy] | None = None
    recommended: bool


class EvaluationReport(BaseModel):
    """The report of an evaluation; `models`, `forgetting` and `samples` are told as the recipe wrote them."""

    model_config = ConfigDict(extra="allow")

    prompts: int
    completions_per_prompt: int
    judges: list[JudgeOf]
    comparisons: list[ComparedModels]
    curve: list[WayPoint]


class RunReport(BaseModel):
    """A finished run's last figures and its report; other kinds of runs report whatever their recipe wrote."""

    kind: str
    metrics: dict[str, Any]
    report: RewardReport | SftReport | EvaluationReport | dict[str, Any] = Field(union_mode="left_to_right")
    shape: Literal["reward", "sft", "evaluation"] | None = Field(
        None, description="What the report is checked to be; null where it is told as it was written."
    )
    has_card: bool = Field(description="Whether the run left a model card, see /card.")

    def model_post_init(self, _context: object) -> None:
        """Say which of the shapes the report turned out to have."""
        match self.report:
            case RewardReport():
                self.shape = "reward"
            case SftReport():
                self.shape = "sft"
            case EvaluationReport():
                self.shape = "evaluation"
            case _:
                self.shape = None
