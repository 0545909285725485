import createClient, { type Middleware } from "openapi-fetch";

import { type Problem, ProblemError } from "./problem";
import type { paths } from "./schema.gen";

let csrfToken: string | null = null;

/** The session's token for requests that change something; the session's answer brings it. */
export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

const REFUSED = 403;
/** Requests under way that change something, to be sent once more with a newer token. */
const underWay = new Map<string, Request>();

/** Another tab may have signed in anew: its session is this page's too, with a token that this page has not seen. */
async function isTokenOld(response: Response): Promise<boolean> {
  if (response.status !== REFUSED) return false;
  const problem = (await response.clone().json()) as Partial<Problem>;
  if (problem.type !== "csrf") return false;
  const session = await fetch(new URL("/api/v1/session", globalThis.location.origin));
  const { csrf_token: token } = (await session.json()) as { csrf_token: string | null };
  const isOld = token !== null && token !== csrfToken;
  if (isOld) setCsrfToken(token);
  return isOld;
}

const csrf: Middleware = {
  onRequest({ request, id }) {
    if (csrfToken === null || ["GET", "HEAD"].includes(request.method)) return request;
    request.headers.set("X-CSRF-Token", csrfToken);
    underWay.set(id, request.clone());
    return request;
  },
  async onResponse({ response, id }) {
    const request = underWay.get(id);
    underWay.delete(id);
    if (request === undefined || csrfToken === null || !(await isTokenOld(response))) return undefined;
    request.headers.set("X-CSRF-Token", csrfToken);
    return fetch(request);
  },
  onError({ id }) {
    underWay.delete(id);
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
