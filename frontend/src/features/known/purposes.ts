import type { KnownPurpose } from "@/api/types";

export const PURPOSES = ["gold", "practice"] as const satisfies readonly KnownPurpose[];
