import { IconButton } from "@/components/Button";
import { Markdown } from "@/components/Markdown";
import { t } from "@/strings";

/** The project's guidelines beside the work, or over it on a phone. */
export function GuidelinesPanel({ text, onClose }: { text: string; onClose: () => void }) {
  return (
    <aside
      aria-label={t.desk.guidelines}
      className="border-line bg-panel max-lg:shadow-float w-full border-l max-lg:fixed max-lg:inset-0 max-lg:z-40 max-lg:overflow-y-auto lg:sticky lg:top-0 lg:h-dvh lg:w-96 lg:shrink-0 lg:overflow-y-auto"
      tabIndex={0}
    >
      <header className="bg-panel sticky top-0 flex items-center px-5 py-3">
        <h2 className="mr-auto text-base font-semibold">{t.desk.guidelines}</h2>
        <IconButton icon="close" label={t.common.close} onClick={onClose} className="-mr-2" />
      </header>
      <div className="px-5 pb-8">
        {text === "" ? <p className="text-soft">{t.desk.noGuidelines}</p> : <Markdown text={text} />}
      </div>
    </aside>
  );
}
