import { hasStatus } from "@/api/problem";
import { Skeleton } from "@/components/Notice";
import { t } from "@/strings";

import type { DeskState } from "./deskState";
import { useOnline } from "./useOnline";

/** No task yet: it is on its way, or cannot be asked for. */
export function NothingYet({ state }: { state: DeskState }) {
  const isOnline = useOnline();
  const isCut = !isOnline || state.isRetrying || hasStatus(state.error, 0);
  if (!isCut) return state.error === null && <Skeleton lines={9} className="px-7" />;
  return (
    <section role="status" className="mx-auto grid w-full max-w-lg content-center gap-3 px-5 py-24 text-center">
      <h2 className="text-xl font-semibold tracking-tight">{t.desk.work.offlineEmpty}</h2>
      <p className="text-soft">{t.desk.work.offlineEmptyText}</p>
    </section>
  );
}
