import { t } from "@/strings";

import { Button } from "./Button";

interface MoreButtonProps {
  query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}

/** Under a list that goes on. */
export function MoreButton({ query }: MoreButtonProps) {
  if (!query.hasNextPage) return null;
  return (
    <div className="border-line grid border-t p-3">
      <Button onClick={query.fetchNextPage} busy={query.isFetchingNextPage} className="justify-self-center">
        {t.common.more}
      </Button>
    </div>
  );
}
