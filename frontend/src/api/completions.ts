import { infiniteQueryOptions } from "@tanstack/react-query";

import { body, client } from "./client";
import { pageAfter } from "./paging";

/** A project's completions, newest first; only those that say which model wrote them, if asked. */
export function allCompletionsQuery(projectId: number, namesModel: boolean) {
  return infiniteQueryOptions({
    queryKey: ["all-completions", projectId, namesModel],
    queryFn: ({ pageParam }) => {
      const query = { ...pageAfter(pageParam), ...(namesModel && { names_model: true }) };
      return body(
        client.GET("/api/v1/projects/{project_id}/completions", { params: { path: { project_id: projectId }, query } }),
      );
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
}
