import { copyFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = import.meta.dirname;
const api = `http://127.0.0.1:${process.env.PLACKETT_PORT ?? "8000"}`;

/** The API's documentation page uses these three files; no other host serves any of it. */
function swagger(): Plugin {
  return {
    name: "plackett:swagger",
    apply: "build",
    async closeBundle() {
      const from = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
      const to = join(here, "dist", "swagger");
      await mkdir(to, { recursive: true });
      await copyFile(join(from, "swagger-ui.css"), join(to, "swagger-ui.css"));
      await copyFile(join(from, "swagger-ui-bundle.js"), join(to, "swagger-ui-bundle.js"));
      await copyFile(join(here, "swagger", "init.js"), join(to, "init.js"));
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), swagger()],
  resolve: { alias: { "@": join(here, "src") } },
  // Nothing is inlined, so that the page's Content-Security-Policy needs no exception.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 600 },
  server: { host: "127.0.0.1", proxy: { "/api": api, "/swagger": api } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
