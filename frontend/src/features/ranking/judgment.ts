/** Everything a person says about one task, and how it changes. */
import { type CardId, emptyRanking, fromTiers, type Ranking, toTiers } from "./ranking";
import { hasPreference, rankingAfter, type RankingMove } from "./rankingAfter";

const REMEMBERED_MOVES = 100;

type Scores = Readonly<Record<string, number>>;

/** An order, and with two answers how much better the first one is (1 to 4; null: not said). */
interface Order {
  readonly ranking: Ranking;
  readonly strength: number | null;
}

export interface Judgment extends Order {
  readonly ids: readonly CardId[];
  readonly tiesAllowed: boolean;
  readonly ratings: Readonly<Record<CardId, number>>;
  readonly aspects: Readonly<Record<CardId, Scores>>;
  readonly flags: Readonly<Record<CardId, readonly string[]>>;
  readonly promptFlags: readonly string[];
  readonly noneAcceptable: boolean;
  readonly rationale: string;
  /** The card that digits, ratings and flags by key go to. */
  readonly selected: CardId | null;
  readonly past: readonly Order[];
  readonly moves: number;
  readonly touched: boolean;
  /** Grows with every change, so that a late draft never overwrites a newer one. */
  readonly sequence: number;
}

export type Move =
  | RankingMove
  | { type: "scale"; id: CardId | null; strength: number | null }
  | { type: "strength"; value: number }
  | { type: "back" }
  | { type: "noneAcceptable" }
  | { type: "select"; id: CardId | null }
  | { type: "rate"; id: CardId; value: number }
  | { type: "aspect"; id: CardId; aspect: string; value: number }
  | { type: "flag"; id: CardId; flag: string }
  | { type: "promptFlag"; flag: string }
  | { type: "rationale"; text: string };

/** What is stored and sent of a judgment. */
export interface Said {
  tiers: CardId[][];
  ratings: Record<CardId, number>;
  flags: Record<CardId, string[]>;
  rationale: string | null;
  strength: number | null;
  aspects: Record<CardId, Record<string, number>>;
  prompt_flags: string[];
  none_acceptable: boolean;
}

const BLANK = {
  strength: null,
  ratings: {},
  aspects: {},
  flags: {},
  promptFlags: [],
  noneAcceptable: false,
  rationale: "",
  selected: null,
  past: [],
  moves: 0,
  touched: false,
  sequence: 0,
} as const;

export function newJudgment(ids: readonly CardId[], tiesAllowed: boolean): Judgment {
  return { ...BLANK, ids, tiesAllowed, ranking: emptyRanking(ids.length) };
}

/** The judgment that was stored, ready to go on with; parts that an older draft lacks are empty. */
export function restored(
  fresh: Judgment,
  said: Partial<Said> & Pick<Said, "tiers">,
  places?: readonly (readonly CardId[])[],
): Judgment {
  const fits = places?.length === fresh.ids.length && places.flat().every((id) => fresh.ids.includes(id));
  const ranking = fromTiers(said.tiers, fresh.ids);
  return {
    ...fresh,
    ranking: fits ? { places, last: ranking.last } : ranking,
    strength: said.strength ?? null,
    ratings: said.ratings ?? {},
    aspects: said.aspects ?? {},
    flags: said.flags ?? {},
    promptFlags: said.prompt_flags ?? [],
    noneAcceptable: said.none_acceptable ?? false,
    rationale: said.rationale ?? "",
  };
}

export function saidIn(judgment: Judgment): Said {
  const flags = Object.entries(judgment.flags).filter(([, names]) => names.length > 0);
  const aspects = Object.entries(judgment.aspects).filter(([, scores]) => Object.keys(scores).length > 0);
  return {
    tiers: toTiers(judgment.ranking),
    ratings: { ...judgment.ratings },
    flags: Object.fromEntries(flags.map(([id, names]) => [id, [...names]])),
    rationale: judgment.rationale.trim() === "" ? null : judgment.rationale.trim(),
    strength: judgment.strength,
    aspects: Object.fromEntries(aspects.map(([id, scores]) => [id, { ...scores }])),
    prompt_flags: [...judgment.promptFlags],
    none_acceptable: judgment.noneAcceptable,
  };
}

export function reduce(judgment: Judgment, move: Move): Judgment {
  switch (move.type) {
    case "select":
      return { ...judgment, selected: move.id };
    case "back":
      return takenBack(judgment);
    case "scale":
      return ordered(judgment, { ranking: scaled(judgment, move.id), strength: move.strength }, move.id);
    case "strength":
      return hasPreference(judgment.ranking)
        ? ordered(judgment, { ranking: judgment.ranking, strength: move.value }, judgment.selected)
        : judgment;
    case "rate":
    case "aspect":
    case "flag":
    case "promptFlag":
    case "rationale":
    case "noneAcceptable":
      return { ...said(judgment, spoken(judgment, move)), ...("id" in move ? { selected: move.id } : {}) };
    default:
      return moved(judgment, move);
  }
}

type Spoken = Extract<Move, { type: "rate" | "aspect" | "flag" | "promptFlag" | "rationale" | "noneAcceptable" }>;

function spoken(judgment: Judgment, move: Spoken): Partial<Judgment> {
  switch (move.type) {
    case "rate":
      return { ratings: toggledScore(judgment.ratings, move.id, move.value) };
    case "aspect": {
      const scores = toggledScore(judgment.aspects[move.id] ?? {}, move.aspect, move.value);
      return { aspects: { ...judgment.aspects, [move.id]: scores } };
    }
    case "flag":
      return { flags: { ...judgment.flags, [move.id]: toggled(judgment.flags[move.id] ?? [], move.flag) } };
    case "promptFlag":
      return { promptFlags: toggled(judgment.promptFlags, move.flag) };
    case "rationale":
      return { rationale: move.text };
    case "noneAcceptable":
      return { noneAcceptable: !judgment.noneAcceptable };
  }
}

function moved(judgment: Judgment, move: RankingMove): Judgment {
  const ranking = rankingAfter(judgment, move);
  const selected = "id" in move ? move.id : null;
  if (ranking === judgment.ranking) return { ...judgment, selected };
  return ordered(judgment, { ranking, strength: null }, selected);
}

function scaled({ ranking, ids }: Judgment, preferred: CardId | null): Ranking {
  if (preferred === null) return fromTiers([ids], ids);
  const isThere = hasPreference(ranking) && ranking.places[0]?.[0] === preferred;
  return isThere ? ranking : fromTiers([[preferred], ids.filter((id) => id !== preferred)], ids);
}

function ordered(judgment: Judgment, order: Order, selected: CardId | null): Judgment {
  const { ranking, strength } = judgment;
  if (order.ranking === ranking && order.strength === strength) return { ...judgment, selected };
  const past = [...judgment.past, { ranking, strength }].slice(-REMEMBERED_MOVES);
  return { ...said({ ...judgment, past, moves: judgment.moves + 1 }, order), selected };
}

function takenBack(judgment: Judgment): Judgment {
  const before = judgment.past.at(-1);
  if (before === undefined) return judgment;
  return said(judgment, { ...before, past: judgment.past.slice(0, -1), selected: before.ranking.last });
}

function said(judgment: Judgment, change: Partial<Judgment>): Judgment {
  return { ...judgment, ...change, touched: true, sequence: judgment.sequence + 1 };
}

function toggledScore<K extends string | number>(scores: Readonly<Record<K, number>>, key: K, value: number) {
  const others = Object.fromEntries(Object.entries<number>(scores).filter(([one]) => one !== String(key)));
  return scores[key] === value ? others : { ...others, [key]: value };
}

function toggled(there: readonly string[], name: string): readonly string[] {
  return there.includes(name) ? there.filter((one) => one !== name) : [...there, name];
}
