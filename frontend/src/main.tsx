import "@fontsource-variable/inter/wght.css";
import "./app.css";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { isTemporary } from "@/api/problem";
import { makeRouter } from "@/routes/router";

const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: (failures, error) => failures < 3 && isTemporary(error), staleTime: 2_000 },
  },
});
const router = makeRouter(queries);
const container = document.getElementById("root");
if (container === null) throw new Error("index.html has no element #root");

createRoot(container).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
