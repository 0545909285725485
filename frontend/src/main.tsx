import "@fontsource-variable/inter/wght.css";
import "./app.css";

import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { makeQueries } from "@/api/queries";
import { sessionQuery } from "@/api/session";
import { makeRouter } from "@/routes/router";
import { preferredLocale, speak } from "@/strings";

const queries = makeQueries(() => {
  // The session is over: fetch what is left of it, and let the routes send the person to the door.
  void queries.query({ ...sessionQuery, staleTime: 0 }).then(() => router.invalidate());
});
const router = makeRouter(queries);
const container = document.getElementById("root");
if (container === null) throw new Error("index.html has no element #root");

await speak(preferredLocale());
createRoot(container).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
