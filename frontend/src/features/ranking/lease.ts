import { renewLease } from "@/api/desk";
import { hasStatus } from "@/api/problem";
import type { Assignment } from "@/api/types";

type Leased = Pick<Assignment, "id" | "state" | "leased_until">;

const LOST = 409;
const SIGNED_OUT = 401;

/**
 * The assignment with its lease renewed; expired when somebody else may have it now; as it was while nobody answers.
 *
 * Throws when the session is over.
 */
export async function withNewLease<A extends Leased>(assignment: A): Promise<A> {
  try {
    return { ...assignment, ...(await renewLease(assignment.id)) };
  } catch (error) {
    if (hasStatus(error, LOST)) return { ...assignment, state: "expired", leased_until: null };
    if (hasStatus(error, SIGNED_OUT)) throw error;
    return assignment;
  }
}
