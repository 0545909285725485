/** A ranking in the making. Every move is a pure function; nothing moves that the person did not move. */

export type CardId = number;

/** As many places as cards, best first. A place may stay empty for a while; cards in one place tie. */
export interface Ranking {
  readonly places: readonly (readonly CardId[])[];
  /** The card that was placed last: a tie by key joins it. */
  readonly last: CardId | null;
}

export function emptyRanking(size: number): Ranking {
  return { places: Array.from({ length: size }, () => []), last: null };
}

/** The ranking for stored tiers; cards that `ids` does not know are left out. */
export function fromTiers(tiers: readonly (readonly CardId[])[], ids: readonly CardId[]): Ranking {
  const known = tiers.map((tier) => tier.filter((id) => ids.includes(id))).filter((tier) => tier.length > 0);
  const blank = emptyRanking(ids.length).places.slice(known.length);
  return { places: [...known, ...blank].slice(0, ids.length), last: known.at(-1)?.at(-1) ?? null };
}

/** What is sent: tiers best first, empty places left out. */
export function toTiers(ranking: Ranking): CardId[][] {
  return ranking.places.filter((place) => place.length > 0).map((place) => [...place]);
}

/** The card's place from 1, or null while it has none. */
export function placeOf(ranking: Ranking, id: CardId): number | null {
  const index = ranking.places.findIndex((place) => place.includes(id));
  return index < 0 ? null : index + 1;
}

/** The cards a card ties with. */
export function tiedWith(ranking: Ranking, id: CardId): CardId[] {
  return (ranking.places.find((place) => place.includes(id)) ?? []).filter((other) => other !== id);
}

export function unplaced(ranking: Ranking, ids: readonly CardId[]): CardId[] {
  return ids.filter((id) => placeOf(ranking, id) === null);
}

export function isComplete(ranking: Ranking, ids: readonly CardId[]): boolean {
  return unplaced(ranking, ids).length === 0;
}

export function remove(ranking: Ranking, id: CardId): Ranking {
  const places = ranking.places.map((place) => place.filter((other) => other !== id));
  return { places, last: ranking.last === id ? (places.flat().at(-1) ?? null) : ranking.last };
}

/** Best first: an unplaced card takes the first empty place; a placed one stays. */
export function append(ranking: Ranking, id: CardId): Ranking {
  if (placeOf(ranking, id) !== null) return ranking;
  const free = ranking.places.findIndex((place) => place.length === 0);
  return free < 0 ? ranking : join(ranking, id, free + 1);
}

/** An unplaced card ties with the one placed last; a placed one joins the place above it. */
export function tie(ranking: Ranking, id: CardId): Ranking {
  const place = placeOf(ranking, id);
  if (place === null) {
    const before = ranking.last === null ? null : placeOf(ranking, ranking.last);
    return before === null ? append(ranking, id) : join(ranking, id, before);
  }
  const above = occupied(ranking, place, -1);
  return above === null ? ranking : join(ranking, id, above);
}

/** Into exactly this place: with whoever is there if ties are allowed, else before them. */
export function put(ranking: Ranking, id: CardId, place: number, tiesAllowed: boolean): Ranking {
  if (place < 1 || place > ranking.places.length || placeOf(ranking, id) === place) return ranking;
  const isTaken = (ranking.places[place - 1] ?? []).length > 0;
  if (!isTaken || tiesAllowed) return join(ranking, id, place);
  const before = placeOf(ranking, id);
  return insert(ranking, id, before !== null && before < place ? place : place - 1);
}

/** Between two places: `gap` 0 is before the first. The nearest empty place makes room. */
export function insert(ranking: Ranking, id: CardId, gap: number): Ranking {
  const places = [...remove(ranking, id).places];
  places.splice(gap, 0, [id]);
  places.splice(nearestEmpty(places, gap), 1);
  return { places, last: id };
}

/** One step better (-1) or worse (1): out of a tie first, then past the neighbour. */
export function step(ranking: Ranking, id: CardId, by: -1 | 1): Ranking {
  const place = placeOf(ranking, id);
  if (place === null) return append(ranking, id);
  if (tiedWith(ranking, id).length > 0) return insert(ranking, id, by < 0 ? place - 1 : place);
  const neighbour = occupied(ranking, place, by);
  if (neighbour === null) return ranking;
  return insert(ranking, id, by < 0 ? neighbour - 1 : neighbour);
}

function join(ranking: Ranking, id: CardId, place: number): Ranking {
  const places = remove(ranking, id).places.map((cards, index) => (index === place - 1 ? [...cards, id] : cards));
  return { places, last: id };
}

function occupied(ranking: Ranking, from: number, by: -1 | 1): number | null {
  for (let place = from + by; place >= 1 && place <= ranking.places.length; place += by) {
    if ((ranking.places[place - 1] ?? []).length > 0) return place;
  }
  return null;
}

/** There is always one: K cards cannot fill K + 1 places. */
function nearestEmpty(places: readonly (readonly CardId[])[], gap: number): number {
  const after = places.findIndex((place, index) => index > gap && place.length === 0);
  return after >= 0 ? after : places.findLastIndex((place, index) => index < gap && place.length === 0);
}
