/** Everything a person says about one task, and how it changes. */
import {
  append,
  type CardId,
  emptyRanking,
  fromTiers,
  insert,
  placeOf,
  put,
  type Ranking,
  remove,
  step,
  tie,
  toTiers,
} from "./ranking";

const REMEMBERED_MOVES = 100;

export interface Judgment {
  readonly ids: readonly CardId[];
  readonly tiesAllowed: boolean;
  readonly ranking: Ranking;
  readonly ratings: Readonly<Record<CardId, number>>;
  readonly flags: Readonly<Record<CardId, readonly string[]>>;
  readonly rationale: string;
  /** The card that digits, ratings and flags by key go to. */
  readonly selected: CardId | null;
  readonly past: readonly Ranking[];
  readonly moves: number;
  readonly touched: boolean;
  /** Grows with every change, so that a late draft never overwrites a newer one. */
  readonly sequence: number;
}

export type Move =
  | { type: "letter" | "tie" | "remove"; id: CardId }
  | { type: "put"; id: CardId; place: number }
  | { type: "insert"; id: CardId; gap: number }
  | { type: "step"; id: CardId; by: -1 | 1 }
  | { type: "allEqual" }
  | { type: "back" }
  | { type: "select"; id: CardId | null }
  | { type: "rate"; id: CardId; value: number }
  | { type: "flag"; id: CardId; flag: string }
  | { type: "rationale"; text: string };

/** What is stored and sent of a judgment. */
export interface Said {
  tiers: CardId[][];
  ratings: Record<CardId, number>;
  flags: Record<CardId, string[]>;
  rationale: string | null;
}

export function newJudgment(ids: readonly CardId[], tiesAllowed: boolean): Judgment {
  const blank = {
    ratings: {},
    flags: {},
    rationale: "",
    selected: null,
    past: [],
    moves: 0,
    touched: false,
    sequence: 0,
  };
  return { ids, tiesAllowed, ranking: emptyRanking(ids.length), ...blank };
}

/** The judgment that was stored, ready to go on with. */
export function restored(fresh: Judgment, said: Said, places?: readonly (readonly CardId[])[]): Judgment {
  const fits = places?.length === fresh.ids.length && places.flat().every((id) => fresh.ids.includes(id));
  const ranking = fromTiers(said.tiers, fresh.ids);
  return {
    ...fresh,
    ranking: fits ? { places, last: ranking.last } : ranking,
    ratings: said.ratings,
    flags: said.flags,
    rationale: said.rationale ?? "",
  };
}

export function saidIn(judgment: Judgment): Said {
  const flags = Object.entries(judgment.flags).filter(([, names]) => names.length > 0);
  return {
    tiers: toTiers(judgment.ranking),
    ratings: { ...judgment.ratings },
    flags: Object.fromEntries(flags.map(([id, names]) => [id, [...names]])),
    rationale: judgment.rationale.trim() === "" ? null : judgment.rationale.trim(),
  };
}

export function reduce(judgment: Judgment, move: Move): Judgment {
  switch (move.type) {
    case "select":
      return { ...judgment, selected: move.id };
    case "back":
      return takenBack(judgment);
    case "rate":
      return said(judgment, { ratings: toggledRating(judgment, move.id, move.value), selected: move.id });
    case "flag":
      return said(judgment, { flags: toggledFlag(judgment, move.id, move.flag), selected: move.id });
    case "rationale":
      return said(judgment, { rationale: move.text });
    default:
      return moved(judgment, rankingAfter(judgment, move), "id" in move ? move.id : null);
  }
}

function rankingAfter({ ranking, tiesAllowed, ids }: Judgment, move: Extract<Move, { type: string }>): Ranking {
  switch (move.type) {
    case "letter":
      return append(ranking, move.id);
    case "tie":
      return tiesAllowed ? tie(ranking, move.id) : append(ranking, move.id);
    case "put":
      return placeOf(ranking, move.id) === move.place
        ? remove(ranking, move.id)
        : put(ranking, move.id, move.place, tiesAllowed);
    case "insert":
      return insert(ranking, move.id, move.gap);
    case "step":
      return step(ranking, move.id, move.by);
    case "remove":
      return remove(ranking, move.id);
    case "allEqual":
      return fromTiers([ids], ids);
    default:
      return ranking;
  }
}

function moved(judgment: Judgment, ranking: Ranking, selected: CardId | null): Judgment {
  if (ranking === judgment.ranking) return { ...judgment, selected };
  const past = [...judgment.past, judgment.ranking].slice(-REMEMBERED_MOVES);
  return said({ ...judgment, past, moves: judgment.moves + 1 }, { ranking, selected });
}

function takenBack(judgment: Judgment): Judgment {
  const before = judgment.past.at(-1);
  if (before === undefined) return judgment;
  return said(judgment, { ranking: before, past: judgment.past.slice(0, -1), selected: before.last });
}

function said(judgment: Judgment, change: Partial<Judgment>): Judgment {
  return { ...judgment, ...change, touched: true, sequence: judgment.sequence + 1 };
}

function toggledRating({ ratings }: Judgment, id: CardId, value: number): Record<CardId, number> {
  const others = Object.fromEntries(Object.entries(ratings).filter(([key]) => Number(key) !== id));
  return ratings[id] === value ? others : { ...others, [id]: value };
}

function toggledFlag({ flags }: Judgment, id: CardId, flag: string): Record<CardId, readonly string[]> {
  const there = flags[id] ?? [];
  return { ...flags, [id]: there.includes(flag) ? there.filter((name) => name !== flag) : [...there, flag] };
}
