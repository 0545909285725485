import createClient, { type Middleware } from "openapi-fetch";

import { type Problem, ProblemError } from "./problem";
import type { paths } from "./schema.gen";

let csrfToken: string | null = null;

/** The session's token for requests that change something; the session's answer brings it. */
export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

const csrf: Middleware = {
  onRequest({ request }) {
    if (csrfToken !== null && !["GET", "HEAD"].includes(request.method)) request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
  onError() {
    return new ProblemError({
      type: "no-answer",
      title: "No answer",
      status: 0,
      detail: "The service did not answer.",
      advice: "Check the connection; nothing you wrote is lost. The page tries again by itself where it can.",
    });
  },
};

export const client = createClient<paths>({ baseUrl: globalThis.location.origin });
client.use(csrf);

interface Answer<T> {
  data?: T | undefined;
  error?: unknown;
  response: Response;
}

/** The answer's body, or a thrown `ProblemError`. */
export async function body<T>(request: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await request;
  if (response.ok) return data as T;
  throw new ProblemError(asProblem(error, response.status));
}

function asProblem(error: unknown, status: number): Problem {
  if (typeof error === "object" && error !== null && "detail" in error && "type" in error) return error as Problem;
  return { type: "unreadable", title: `Error ${status}`, status, detail: "The service's answer could not be read." };
}
