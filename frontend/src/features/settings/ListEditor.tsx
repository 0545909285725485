import { useId, useState } from "react";

import { Button, IconButton } from "@/components/Button";
import { cx } from "@/components/cx";
import { fromSlug } from "@/components/format";
import { t } from "@/strings";

import { type Entry, entryOf, flawOf, movedBy, slugsOf, toSlug, wordsOf } from "./slug";

interface ListEditorProps {
  label: string;
  hint: string;
  values: readonly string[];
  preset: { name: string; values: readonly string[] };
  most?: number;
  onChange: (values: string[]) => void;
}

/** A list of names to add to, rename, order and take from. */
export function ListEditor({ label, hint, values, preset, most = 50, onChange }: ListEditorProps) {
  const heading = useId();
  const [entries, setEntries] = useState(() => values.map((slug) => entryOf(wordsOf(slug))));
  const [next, setNext] = useState("");
  const change = (after: Entry[]) => {
    setEntries(after);
    onChange(slugsOf(after));
  };
  const add = () => {
    if (next.trim() === "" || entries.length >= most) return;
    change([...entries, entryOf(next.trim())]);
    setNext("");
  };
  const isPreset = slugsOf(entries).join() === preset.values.join();
  return (
    <div role="group" aria-labelledby={heading} className="grid gap-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <p id={heading} className="me-auto text-sm font-semibold">
          {label}
        </p>
        <Button
          size="small"
          aria-pressed={isPreset}
          onClick={() => change(preset.values.map((slug) => entryOf(wordsOf(slug))))}
          className={cx(isPreset && "border-accent! bg-accent-soft text-accent")}
        >
          {preset.name}
        </Button>
      </div>
      <p className="text-soft text-sm">{hint}</p>
      {entries.length === 0 ? (
        <p className="border-edge/40 text-soft rounded-lg border border-dashed px-3 py-2.5 text-sm">
          {t.settings.list.empty}
        </p>
      ) : (
        <ol className="border-line divide-line divide-y rounded-lg border">
          {entries.map((entry, place) => (
            <Row key={entry.key} label={label} entry={entry} place={place} entries={entries} onChange={change} />
          ))}
        </ol>
      )}
      <div className="flex gap-2">
        <input
          aria-label={t.settings.list.addTo(label)}
          value={next}
          maxLength={80}
          onChange={(event) => setNext(event.target.value)}
          onBlur={add}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
            event.preventDefault();
            add();
          }}
          className="border-edge/70 bg-panel h-9 min-w-0 flex-1 rounded-lg border px-3 pointer-coarse:h-11"
        />
        <Button size="small" onClick={add} disabled={entries.length >= most} className="h-9! pointer-coarse:h-11!">
          {t.settings.list.add}
        </Button>
      </div>
    </div>
  );
}

interface RowProps {
  label: string;
  entry: Entry;
  place: number;
  entries: readonly Entry[];
  onChange: (entries: Entry[]) => void;
}

function Row({ label, entry, place, entries, onChange }: RowProps) {
  const flaw = flawOf(entries, entry);
  const slug = toSlug(entry.text);
  const shown = fromSlug(slug);
  const rename = (text: string) => onChange(entries.map((one) => (one.key === entry.key ? { ...one, text } : one)));
  const words = t.settings.list;
  const complaint = flaw === null ? "" : flaw === "latin" ? words.needsLatin : words.twice;
  return (
    <li className="flex flex-wrap items-center gap-x-1 ps-1 pe-1">
      <input
        // The browser's own check then keeps the form from being saved without the entry.
        ref={(input) => input?.setCustomValidity(complaint)}
        aria-label={words.entry(place + 1, label)}
        aria-invalid={flaw !== null}
        value={entry.text}
        maxLength={80}
        onChange={(event) => rename(event.target.value)}
        className="h-10 min-w-0 flex-1 rounded-md bg-transparent px-2 -outline-offset-2! pointer-coarse:h-11"
      />
      {flaw === null && slug !== "" && shown.toLowerCase() !== entry.text.toLowerCase() && (
        <span className="text-soft max-w-40 truncate text-xs">{shown}</span>
      )}
      <span className="flex">
        <IconButton
          icon="up"
          size="small"
          label={words.up(entry.text)}
          disabled={place === 0}
          onClick={() => onChange(movedBy(entries, place, -1))}
          className="w-8! pointer-coarse:w-10!"
        />
        <IconButton
          icon="down"
          size="small"
          label={words.down(entry.text)}
          disabled={place === entries.length - 1}
          onClick={() => onChange(movedBy(entries, place, 1))}
          className="w-8! pointer-coarse:w-10!"
        />
        <IconButton
          icon="close"
          size="small"
          label={words.remove(entry.text)}
          onClick={() => onChange(entries.filter((one) => one.key !== entry.key))}
          className="w-8! pointer-coarse:w-10!"
        />
      </span>
      {flaw !== null && (
        <p role="status" className="text-bad w-full px-2 pb-2 text-sm">
          {complaint}
        </p>
      )}
    </li>
  );
}
