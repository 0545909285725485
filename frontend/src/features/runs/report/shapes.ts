/** Which page a report gets: the API says what it was checked to be, and what was not checked is told as it is. */
import type { EvaluationReport, RewardReport, RunReport, SftReport } from "@/api/types";

export type Known =
  | { shape: "reward"; report: RewardReport }
  | { shape: "sft"; report: SftReport }
  | { shape: "evaluation"; report: EvaluationReport }
  | { shape: null; report: Readonly<Record<string, unknown>> };

const KINDS: Readonly<Record<string, RunReport["shape"]>> = { reward: "reward", sft: "sft", evaluate: "evaluation" };

/** The report with its shape; one that has the shape of another kind of run by chance has none. */
export function knownOf({ kind, shape, report }: Pick<RunReport, "kind" | "shape" | "report">): Known {
  return { shape: KINDS[kind] === shape ? (shape ?? null) : null, report } as Known;
}
