import { type Bench, isPair } from "./bench";
import { Rail } from "./Rail";
import { Scale } from "./Scale";

/** The order so far, and how it is made: a scale between two answers, places for more of them. */
export function Order({ bench }: { bench: Bench }) {
  return isPair(bench.judgment) ? <Scale bench={bench} /> : <Rail bench={bench} />;
}
