import type { DriftStep } from "@/api/types";
import { placeOf } from "@/features/runs/report/geometry";
import { t } from "@/strings";

import { dotsOf, type FigureName, figureOf, heightOf, MARKS, wordsOf } from "./figures";

/** One figure from version to version: the newest value in words, how it came there as a line with its intervals. */
export function Picture({ steps, name }: { steps: readonly DriftStep[]; name: FigureName }) {
  const estimates = steps.map((step) => figureOf(step, name));
  const known = steps.flatMap((step, place) => {
    const value = estimates[place]?.value;
    return value == null ? [] : [{ version: step.version.name, value }];
  });
  const [first, last] = [known[0], known.at(-1)];
  return (
    <figure className="grid min-w-0 content-start gap-1">
      <figcaption>
        <h3 className="font-semibold">{t.drift.figures[name]}</h3>
        <p className="text-soft text-sm">{t.drift.hints[name]}</p>
      </figcaption>
      <p className="flex flex-wrap items-baseline gap-x-2 tabular-nums">
        <span className="text-xl font-semibold tracking-tight">{wordsOf(name, last?.value)}</span>
        {last !== undefined && <span className="text-soft text-sm">{last.version}</span>}
        {first !== undefined && first !== last && (
          <span className="text-soft ms-auto text-sm">{t.drift.from(wordsOf(name, first.value), first.version)}</span>
        )}
      </p>
      {first !== undefined && last !== undefined && (
        <Line estimates={estimates} name={name} alt={altOf(name, first.version, last.version)} />
      )}
    </figure>
  );
}

function altOf(name: FigureName, first: string, last: string): string {
  return t.drift.chartAlt(t.drift.figures[name], first, last);
}

interface LineProps {
  estimates: readonly ReturnType<typeof figureOf>[];
  name: FigureName;
  alt: string;
}

/** Round dots in a picture that is stretched: lines of no length with round ends. */
function Line({ estimates, name, alt }: LineProps) {
  const axis = heightOf(estimates, name);
  const dots = dotsOf(estimates, axis);
  const mark = MARKS[name];
  return (
    <div className="flex gap-2">
      <div
        aria-hidden="true"
        className="text-soft flex w-14 flex-col justify-between text-end text-xs whitespace-nowrap tabular-nums"
      >
        <span>{wordsOf(name, axis[1])}</span>
        <span>{wordsOf(name, axis[0])}</span>
      </div>
      <div className="border-line min-w-0 flex-1 border-y px-2 py-1">
        <svg
          viewBox="0 0 100 100"
          preserveAspectRatio="none"
          role="img"
          aria-label={alt}
          className="h-24 w-full overflow-visible"
          fill="none"
          strokeLinecap="round"
        >
          {mark !== undefined && (
            <path
              d={`M0 ${100 - placeOf(mark, axis)}H100`}
              className="stroke-edge"
              strokeDasharray="4 4"
              vectorEffect="non-scaling-stroke"
            />
          )}
          <polyline
            points={dots.map(({ x, y }) => `${x},${y}`).join(" ")}
            className="stroke-accent"
            strokeWidth="2"
            vectorEffect="non-scaling-stroke"
          />
          {dots.map(({ x, y, top, bottom }) => (
            <g key={x} className="stroke-accent">
              <path d={`M${x} ${top}V${bottom}`} strokeWidth="1.5" opacity="0.5" vectorEffect="non-scaling-stroke" />
              <path d={`M${x} ${y}h0`} strokeWidth="8" vectorEffect="non-scaling-stroke" />
            </g>
          ))}
        </svg>
      </div>
    </div>
  );
}
