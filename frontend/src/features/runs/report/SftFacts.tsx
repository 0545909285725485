import type { RunReport, SftReport } from "@/api/types";
import { Facts } from "@/components/Facts";
import { formatCount } from "@/components/format";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

import { exact } from "./wording";

/** What a fine-tuning run learnt from, what it did to the held-out loss, and which weights it kept. */
export function SftFacts({ report, metrics }: { report: SftReport; metrics: RunReport["metrics"] }) {
  const figure = (name: string) => (typeof metrics[name] === "number" ? metrics[name] : null);
  const [before, after, kept, steps] = ["eval/loss_before", "eval/loss", "kept_step", "steps"].map(figure);
  const parts = ({ learnt, held_out: heldOut }: SftReport["tokens"]) =>
    t.report.counts(formatCount(learnt), formatCount(heldOut));
  return (
    <Panel title={t.report.learnt}>
      <div className="grid gap-4">
        <p className="max-w-prose">{lossText(before ?? null, after ?? null)}</p>
        <Facts
          className="max-w-xl"
          rows={[
            [t.report.conversations, parts(report.conversations)],
            [t.report.tokens, parts(report.tokens)],
            [t.report.lossBefore, shown(before)],
            [t.report.lossAfter, shown(after)],
            [t.report.bitsPerByte, shown(figure("eval/bits_per_byte"))],
            [t.report.judgeScore, shown(figure("eval/score"))],
            [t.report.trainingLoss, shown(figure("loss"))],
            [
              t.report.keptStep,
              kept == null || steps == null ? null : t.report.keptStepText(formatCount(kept), formatCount(steps)),
            ],
            [t.report.cutAnswers, formatCount(report.cut.completions)],
            [t.report.cutTexts, formatCount(report.cut.texts)],
          ]}
        />
      </div>
    </Panel>
  );
}

function shown(value: number | null | undefined): string | null {
  return value == null ? null : exact(value);
}

/** What happened to the loss on conversations it has not seen. */
export function lossText(before: number | null, after: number | null): string {
  if (before === null || after === null) return t.report.nothingHeldOutSft;
  return after < before ? t.report.better(exact(before - after)) : t.report.worse(exact(after - before));
}
