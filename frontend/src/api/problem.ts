import type { components } from "./schema.gen";

export type Problem = components["schemas"]["Problem"];

/** A refusal of the API, or a request that never got an answer (`status` 0). */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "ProblemError";
    this.problem = problem;
  }

  /** Worth another try with the same request: no answer, or one that says "later". */
  get isTemporary(): boolean {
    return this.problem.status === 0 || this.problem.status === 429 || this.problem.status >= 500;
  }
}

/** Whatever was thrown, as a problem that can be shown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return { type: "page", title: "The page failed", status: -1, detail, advice: "Reload the page." };
}

export function isTemporary(error: unknown): boolean {
  return error instanceof ProblemError && error.isTemporary;
}

export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof ProblemError && error.problem.status === status;
}

export function hasType(error: unknown, type: string): boolean {
  return error instanceof ProblemError && error.problem.type === type;
}
