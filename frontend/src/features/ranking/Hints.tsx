import { Kbd } from "@/components/Kbd";
import { t } from "@/strings";

import type { Bench } from "./bench";

/** The five keys that matter, in one line; not shown where there is no keyboard. */
export function Hints({ bench, onHelp }: { bench: Bench; onHelp: () => void }) {
  const letters = bench.assignment.completions.map((card) => card.letter);
  const example = [letters[2], letters[0]].filter((letter) => letter !== undefined);
  return (
    <p className="text-soft flex flex-wrap items-center gap-x-5 gap-y-1.5 px-1 text-sm pointer-coarse:hidden max-sm:hidden">
      <span className="flex items-center gap-1">
        {example.map((letter) => (
          <Kbd key={letter}>{letter}</Kbd>
        ))}
        <Kbd>…</Kbd> {t.desk.hints.type}
      </span>
      {bench.assignment.form.ties_allowed && (
        <span className="flex items-center gap-1">
          <Kbd>⇧ {letters[1]}</Kbd> {t.desk.hints.tie}
        </span>
      )}
      <span className="flex items-center gap-1">
        <Kbd>{letters[1]}</Kbd>
        <Kbd>2</Kbd> {t.desk.hints.move}
      </span>
      <span className="flex items-center gap-1">
        <Kbd>⌫</Kbd> {t.desk.hints.back}
      </span>
      <span className="flex items-center gap-1">
        <Kbd>⏎</Kbd> {t.desk.hints.submit}
      </span>
      <button type="button" onClick={onHelp} className="hover:text-ink flex items-center gap-1 rounded font-semibold">
        <Kbd>?</Kbd> {t.desk.hints.all}
      </button>
    </p>
  );
}
