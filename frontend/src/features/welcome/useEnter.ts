import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";

import { sessionQuery } from "@/api/session";
import type { Session } from "@/api/types";

/** Goes on into the product with a fresh session: back to where the person was, or home. */
export function useEnter(back?: string): (session: Session) => Promise<void> {
  const queries = useQueryClient();
  const router = useRouter();
  return async (session) => {
    queries.clear();
    queries.setQueryData(sessionQuery.queryKey, session);
    if (back === undefined) await router.navigate({ to: "/", replace: true });
    else router.history.replace(back);
  };
}
