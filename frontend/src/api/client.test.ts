import { afterEach, expect, it, vi } from "vitest";

const answer = vi.fn<(request: Request) => Response>();

/** The client as a fresh page has it, with the service answered by `answer`. */
async function page() {
  vi.resetModules();
  const fetched = vi.fn((input: Request | URL) => Promise.resolve(answer(new Request(input))));
  vi.stubGlobal("fetch", fetched);
  return import("./client");
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

afterEach(() => vi.unstubAllGlobals());

it("takes up the session that another tab began, and sends the request once more", async () => {
  const tokens: (string | null)[] = [];
  const texts: string[] = [];
  answer.mockImplementation((request) => {
    if (request.method === "GET") return json(200, { csrf_token: "new" });
    tokens.push(request.headers.get("X-CSRF-Token"));
    void request.text().then((text) => texts.push(text));
    return tokens.length === 1 ? json(403, { type: "csrf", detail: "old" }) : json(200, {});
  });
  const { body, client, setCsrfToken } = await page();
  setCsrfToken("old");
  const params = { path: { assignment_id: 3 } };
  await body(client.POST("/api/v1/assignments/{assignment_id}/skip", { params, body: { reason: "unclear" } }));
  expect(tokens).toEqual(["old", "new"]);
  await vi.waitFor(() => expect(texts).toEqual(['{"reason":"unclear"}', '{"reason":"unclear"}']));
});

it("gives up where the token is the newest one", async () => {
  answer.mockImplementation((request) =>
    request.method === "GET" ? json(200, { csrf_token: "same" }) : json(403, { type: "csrf", detail: "no" }),
  );
  const { body, client, setCsrfToken } = await page();
  setCsrfToken("same");
  await expect(body(client.DELETE("/api/v1/session"))).rejects.toThrow("no");
});
