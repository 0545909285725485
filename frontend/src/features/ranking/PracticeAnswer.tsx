import type { Assignment, Receipt } from "@/api/types";
import { Button } from "@/components/Button";
import { formatPercent } from "@/components/format";
import { Markdown } from "@/components/Markdown";
import { Notice, Skeleton } from "@/components/Notice";
import { Pill } from "@/components/Pill";
import { t } from "@/strings";

import { Conversation } from "./Conversation";
import type { Practised } from "./deskState";
import { DEFAULT_BINDINGS } from "./keys";
import { OrderLine } from "./OrderLine";
import { useKeys } from "./useKeys";

type Feedback = NonNullable<Receipt["feedback"]>;

interface PracticeAnswerProps {
  practised: Practised;
  isRetrying: boolean;
  hasKeys: boolean;
  onGoOn: () => void;
}

/** After a practice task: one's own order beside the right one, and why. Nothing goes on by itself. */
export function PracticeAnswer({ practised, isRetrying, hasKeys, onGoOn }: PracticeAnswerProps) {
  const { assignment, ranking, receipt } = practised;
  const feedback = receipt?.feedback ?? null;
  useKeys(hasKeys && feedback !== null, DEFAULT_BINDINGS, (act) => {
    if (act.type === "submit") onGoOn();
  });
  return (
    <div className="mx-auto grid w-full max-w-5xl content-start gap-4 px-4 pt-1 pb-10 sm:px-7">
      {assignment.practice !== null && (
        <p>
          <Pill tone="accent">{t.desk.work.practice(assignment.practice.number, assignment.practice.of)}</Pill>
        </p>
      )}
      {feedback === null ? (
        <div role="status">
          <p className="text-soft">{isRetrying ? t.desk.work.practiceWaits : t.desk.work.practiceSent}</p>
          <Skeleton lines={4} className="px-0!" />
        </div>
      ) : (
        <>
          <Verdict feedback={feedback} assignment={assignment} own={ranking.tiers} onGoOn={onGoOn} />
          <Conversation messages={assignment.prompt.messages} raw={false} />
          <Compared assignment={assignment} own={ranking.tiers} right={feedback.right_tiers} />
        </>
      )}
    </div>
  );
}

interface VerdictProps {
  feedback: Feedback;
  assignment: Assignment;
  own: number[][];
  onGoOn: () => void;
}

function Verdict({ feedback, assignment, own, onGoOn }: VerdictProps) {
  const { agreement, explanation, right_tiers: right, practice } = feedback;
  return (
    <>
      {practice.passed !== null && <Outcome practice={practice} />}
      <section className="border-line bg-panel shadow-lift grid gap-4 rounded-2xl border p-5">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <h2 className="me-auto text-lg font-semibold">
            {agreement === 1 ? t.desk.work.agreeAll : t.desk.work.agree(formatPercent(agreement))}
          </h2>
          <Button variant="primary" autoFocus onClick={onGoOn}>
            {goOnWords(practice)}
            <span aria-hidden="true" className="text-sm opacity-75 pointer-coarse:hidden">
              ⏎
            </span>
          </Button>
        </div>
        <div className="grid gap-3 sm:grid-cols-2">
          <OrderLine title={t.desk.work.yourOrder} tiers={own} assignment={assignment} />
          <OrderLine title={t.desk.work.rightOrder} tiers={right} assignment={assignment} isRight />
        </div>
        {explanation !== "" && (
          <div>
            <h3 className="pb-1 text-sm font-semibold">{t.desk.work.why}</h3>
            <Markdown text={explanation} className="max-w-[75ch]" />
          </div>
        )}
      </section>
    </>
  );
}

function goOnWords({ passed, attempts_left: left }: Feedback["practice"]): string {
  if (passed === true) return t.desk.work.goOnToWork;
  return passed === false && left > 0 ? t.desk.work.tryAgain : t.desk.work.goOn;
}

/** How the practice round ended. */
function Outcome({ practice }: { practice: Feedback["practice"] }) {
  const share = formatPercent(practice.share);
  return practice.passed === true ? (
    <Notice tone="good" role="status" title={t.desk.work.passed}>
      <p>{t.desk.work.passedText(share)}</p>
    </Notice>
  ) : (
    <Notice tone="warn" role="status" title={t.desk.work.failed}>
      <p>{t.desk.work.failedText(share, practice.attempts_left)}</p>
    </Notice>
  );
}

interface ComparedProps {
  assignment: Assignment;
  own: number[][];
  right: number[][];
}

/** The answers in the right order, each with both its places. */
function Compared({ assignment, own, right }: ComparedProps) {
  const placeIn = (tiers: number[][], id: number) => tiers.findIndex((tier) => tier.includes(id)) + 1;
  const cards = assignment.completions.toSorted((one, other) => placeIn(right, one.id) - placeIn(right, other.id));
  return (
    <ul className="grid gap-3">
      {cards.map((card) => {
        const [mine, theirs] = [placeIn(own, card.id), placeIn(right, card.id)];
        return (
          <li key={card.id} className="border-line bg-panel shadow-lift grid gap-3 rounded-2xl border p-4">
            <p className="flex items-center gap-3">
              <span className="bg-accent-soft text-accent grid size-8 place-items-center rounded-lg font-bold">
                {card.letter}
              </span>
              <Pill tone={mine === theirs ? "good" : "warn"}>{t.desk.work.places(mine, theirs)}</Pill>
            </p>
            <Markdown text={card.text} className="max-w-[75ch]" />
          </li>
        );
      })}
    </ul>
  );
}
