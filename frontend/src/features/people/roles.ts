import type { Role } from "@/api/types";

export const ROLES = ["annotator", "researcher", "admin"] as const satisfies readonly Role[];
