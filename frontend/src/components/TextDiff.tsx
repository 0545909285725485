import { Fragment, useMemo } from "react";

import { t } from "@/strings";

import { cx } from "./cx";
import { diff, linesOf, type Piece, wordsIn } from "./changes";

const CONTEXT = 2;

/** What changed from one text to another, word by word; long stretches that are the same are folded. */
export function TextDiff({ before, after, className }: { before: string; after: string; className?: string }) {
  const pieces = useMemo(() => diff(linesOf(before), linesOf(after)), [before, after]);
  if (pieces.every((one) => one.kind === "same")) return <p className="text-soft">{t.common.noChange}</p>;
  return (
    <div dir="auto" className={cx("text-base leading-6 wrap-anywhere whitespace-pre-wrap", className)}>
      {pieces.map((piece, place) => {
        const next = pieces[place + 1];
        if (piece.kind === "removed" && next?.kind === "added")
          return <Changed key={place} removed={piece.items} added={next.items} />;
        if (piece.kind === "added" && pieces[place - 1]?.kind === "removed") return null;
        if (piece.kind === "same")
          return <Same key={place} lines={piece.items} isFirst={place === 0} isLast={next === undefined} />;
        return <Marked key={place} kind={piece.kind} text={piece.items.join("\n")} isBlock />;
      })}
    </div>
  );
}

function Same({ lines, isFirst, isLast }: { lines: readonly string[]; isFirst: boolean; isLast: boolean }) {
  const head = isFirst ? 0 : CONTEXT;
  const tail = isLast ? 0 : CONTEXT;
  if (lines.length <= head + tail + 1) return <div className="text-soft">{lines.join("\n")}</div>;
  return (
    <div className="text-soft">
      {head > 0 && <div>{lines.slice(0, head).join("\n")}</div>}
      <div className="border-line my-1.5 border-y border-dashed py-0.5 text-xs">
        {t.common.sameLines(lines.length - head - tail)}
      </div>
      {tail > 0 && <div>{lines.slice(-tail).join("\n")}</div>}
    </div>
  );
}

/** Lines that came in place of others: their words compared, unless hardly one is common. */
function Changed({ removed, added }: { removed: readonly string[]; added: readonly string[] }) {
  const [before, after] = [removed.join("\n"), added.join("\n")];
  const words = diff(wordsIn(before), wordsIn(after));
  const common = words.filter((one) => one.kind === "same").flatMap((one) => one.items);
  const isAlike = common.join("").trim().length * 3 > Math.min(before.length, after.length);
  if (!isAlike) {
    return (
      <>
        <Marked kind="removed" text={before} isBlock />
        <Marked kind="added" text={after} isBlock />
      </>
    );
  }
  return (
    <div>
      {words.map((piece, place) => (
        <Fragment key={place}>
          {piece.kind === "same" ? piece.items.join("") : <Marked kind={piece.kind} text={piece.items.join("")} />}
        </Fragment>
      ))}
    </div>
  );
}

function Marked({ kind, text, isBlock = false }: { kind: Piece["kind"]; text: string; isBlock?: boolean }) {
  const Tag = kind === "removed" ? "del" : "ins";
  return (
    <Tag
      className={cx(
        "rounded-sm",
        kind === "removed" ? "bg-bad-soft text-bad line-through" : "bg-good-soft text-good no-underline",
        isBlock && "block px-1",
      )}
    >
      {text === "" ? "\u00a0" : text}
    </Tag>
  );
}
