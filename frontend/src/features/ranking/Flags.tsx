import type { Card } from "@/api/types";
import { cx } from "@/components/cx";
import { fromSlug } from "@/components/format";
import { Kbd } from "@/components/Kbd";
import { t } from "@/strings";

import { type Bench, keepFocus } from "./bench";
import { flagKey } from "./flagKeys";
import { keyName } from "./keys";

interface FlagsProps {
  bench: Bench;
  card: Card;
  /** The code of the key that opens and closes the list. */
  flagsKey: string;
}

/** What is wrong, or noteworthy, about one answer; chosen flags stay in sight when the list is closed. */
export function Flags({ bench, card, flagsKey }: FlagsProps) {
  const { judgment, assignment, act, flagsOf, openFlags } = bench;
  const own = judgment.flags[card.id] ?? [];
  const isOpen = flagsOf === card.id;
  const all = assignment.form.flags;
  return (
    <div role="group" aria-label={t.desk.form.flagsOf(card.letter)} className="flex min-w-0 flex-wrap gap-1.5">
      {(isOpen ? all : all.filter((flag) => own.includes(flag))).map((flag) => (
        <Chip
          key={flag}
          text={fromSlug(flag)}
          isOn={own.includes(flag)}
          cap={isOpen ? flagKey(all.indexOf(flag), flagsKey) : null}
          onToggle={() => act({ type: "flag", id: card.id, flag })}
        />
      ))}
      <button
        type="button"
        aria-expanded={isOpen}
        onMouseDown={keepFocus}
        onClick={() => openFlags(isOpen ? null : card.id)}
        className="text-soft hover:text-ink min-h-8 rounded-full px-2 text-sm font-semibold pointer-coarse:min-h-11"
      >
        {isOpen ? t.common.close : `+ ${t.desk.flagsShow(own.length)}`}
        {!isOpen && judgment.selected === card.id && (
          <span aria-hidden="true" className="ms-1.5 inline-flex">
            <Kbd>{keyName(flagsKey)}</Kbd>
          </span>
        )}
      </button>
      {isOpen && (
        <p className="text-soft w-full text-xs pointer-coarse:hidden" aria-live="polite">
          {t.desk.form.flagsKeys}
        </p>
      )}
    </div>
  );
}

interface ChipProps {
  text: string;
  isOn: boolean;
  cap?: string | null;
  onToggle: () => void;
}

/** Something that applies or does not. */
export function Chip({ text, isOn, cap = null, onToggle }: ChipProps) {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      onMouseDown={keepFocus}
      onClick={onToggle}
      className={cx(
        "inline-flex min-h-8 items-center gap-1.5 rounded-full border px-3 text-start text-sm pointer-coarse:min-h-11",
        isOn ? "border-warn bg-warn-soft text-warn font-semibold" : "border-edge/60 text-soft hover:border-warn",
      )}
    >
      {cap !== null && (
        <span aria-hidden="true" className="-ms-1 inline-flex">
          <Kbd>{cap}</Kbd>
        </span>
      )}
      {text}
    </button>
  );
}
