import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";

import { sessionQuery } from "@/api/session";
import type { Session } from "@/api/types";

/** Goes on into the product with a fresh session. */
export function useEnter(): (session: Session) => Promise<void> {
  const queries = useQueryClient();
  const router = useRouter();
  return async (session) => {
    queries.clear();
    queries.setQueryData(sessionQuery.queryKey, session);
    await router.navigate({ to: "/", replace: true });
  };
}
