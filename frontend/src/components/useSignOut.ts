import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";

import { sessionQuery, signOut } from "@/api/session";

/** Leaves, and forgets everything that was fetched. */
export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  const router = useRouter();
  return async () => {
    await signOut();
    queries.clear();
    await queries.query(sessionQuery);
    await router.navigate({ to: "/sign-in" });
  };
}
