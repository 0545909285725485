import type { BlindComparison } from "@/api/types";
import { formatCount } from "@/components/format";
import { t } from "@/strings";

/** The votes of a blind comparison by now. */
export function votesOf({ wins, losses, ties, identical }: BlindComparison): string {
  const votes = t.blind.votes(formatCount(wins), formatCount(losses), formatCount(ties));
  return identical === 0 ? votes : `${votes} · ${t.blind.identical(formatCount(identical))}`;
}

/** What an undecided comparison lacks: other people's votes, or more of them. */
export function missingOf(comparison: BlindComparison): string {
  const { needed, most_by_one: most, most_share: share, wins, losses } = comparison;
  if (most > share * (wins + losses)) {
    return t.blind.restsOnOne(formatCount(most), formatCount(wins + losses), String(Math.round(100 * share)));
  }
  return needed === null ? t.blind.nobodyKnows : t.blind.needed(formatCount(needed));
}

/** Where a comparison stands: its verdict or its state, the votes, and what is missing. */
export function verdictOf(comparison: BlindComparison): string {
  const { verdict, state } = comparison;
  const standing = verdict === null ? t.blind.states[state] : t.blind.verdicts[verdict];
  const isTold = verdict === "better" || verdict === "worse";
  return [standing, votesOf(comparison), ...(isTold ? [] : [missingOf(comparison)])].join(" · ");
}
