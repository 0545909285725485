import type { ReactNode } from "react";

import { Kbd } from "@/components/Kbd";
import { t } from "@/strings";

import { type Bench, isPair } from "./bench";

interface HintsProps {
  bench: Bench;
  onHelp: () => void;
}

/** The keys that matter, in one line; not shown where there is no keyboard. */
export function Hints({ bench, onHelp }: HintsProps) {
  return (
    <p className="text-soft flex flex-wrap items-center gap-x-5 gap-y-1.5 px-1 text-sm pointer-coarse:hidden max-sm:hidden">
      {isPair(bench.judgment) ? <PairHints bench={bench} /> : <OrderHints bench={bench} />}
      <Hint text={t.desk.hints.back}>
        <Kbd>⌫</Kbd>
      </Hint>
      <Hint text={t.desk.hints.submit}>
        <Kbd>⏎</Kbd>
      </Hint>
      <button type="button" onClick={onHelp} className="hover:text-ink flex items-center gap-1 rounded font-semibold">
        <Kbd>?</Kbd> {t.desk.hints.all}
      </button>
    </p>
  );
}

function Hint({ text, children }: { text: string; children: ReactNode }) {
  return (
    <span className="flex items-center gap-1">
      {children} {text}
    </span>
  );
}

function OrderHints({ bench }: { bench: Bench }) {
  const letters = bench.assignment.completions.map((card) => card.letter);
  const example = [letters[2], letters[0]].filter((letter) => letter !== undefined);
  return (
    <>
      <Hint text={t.desk.hints.type}>
        {example.map((letter) => (
          <Kbd key={letter}>{letter}</Kbd>
        ))}
        <Kbd>…</Kbd>
      </Hint>
      {bench.assignment.form.ties_allowed && (
        <Hint text={t.desk.hints.tie}>
          <Kbd>⇧ {letters[1]}</Kbd>
        </Hint>
      )}
      <Hint text={t.desk.hints.move}>
        <Kbd>{letters[1]}</Kbd>
        <Kbd>2</Kbd>
      </Hint>
    </>
  );
}

function PairHints({ bench }: { bench: Bench }) {
  const { ask_strength: asked, ties_allowed: ties } = bench.assignment.form;
  const letters = bench.assignment.completions.map((card) => card.letter);
  return (
    <>
      <Hint text={t.desk.hints.prefer}>
        {letters.map((letter) => (
          <Kbd key={letter}>{letter}</Kbd>
        ))}
      </Hint>
      {asked !== "off" && (
        <Hint text={t.desk.hints.strength}>
          <Kbd>1</Kbd>
          <span>…</span>
          <Kbd>4</Kbd>
        </Hint>
      )}
      {ties && (
        <Hint text={t.desk.hints.same}>
          <Kbd>⇧ {letters[0]}</Kbd>
        </Hint>
      )}
    </>
  );
}
