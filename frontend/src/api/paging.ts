import type { InfiniteData } from "@tanstack/react-query";

import type { PageOf } from "./types";

const PAGE_SIZE = 50;

/** The query part of a keyset page: its size, and where it goes on. */
export function pageAfter(cursor: string): { limit: number; cursor?: string } {
  return cursor === "" ? { limit: PAGE_SIZE } : { limit: PAGE_SIZE, cursor };
}

export function allItems<T>(data: InfiniteData<PageOf<T>> | undefined): T[] {
  return data?.pages.flatMap((page) => page.items) ?? [];
}
