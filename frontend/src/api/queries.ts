import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";

import { hasStatus, isTemporary } from "./problem";

const NOT_SIGNED_IN = 401;
const RETRIES = 3;

/** What was fetched, for how long it counts, and what happens when the session turns out to be over. */
export function makeQueries(onSignedOut: () => void): QueryClient {
  const onError = (error: unknown) => {
    if (hasStatus(error, NOT_SIGNED_IN)) onSignedOut();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({
      onError: (error, _variables, _result, mutation) => {
        // A wrong password at the door is no lost session.
        if (mutation.options.meta?.isDoor !== true) onError(error);
      },
    }),
    defaultOptions: {
      queries: { retry: (failures, error) => failures < RETRIES && isTemporary(error), staleTime: 2_000 },
    },
  });
}
