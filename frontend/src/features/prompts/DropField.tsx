import { type DragEvent, useId, useState } from "react";

import { cx } from "@/components/cx";
import { formatBytes } from "@/components/format";
import { Icon } from "@/components/Icon";
import { t } from "@/strings";

interface DropFieldProps {
  file: File | null;
  onFile: (file: File | null) => void;
  /** Endings of file names. */
  accept: string;
}

/** A place to drop a file on, or to choose one with. */
export function DropField({ file, onFile, accept }: DropFieldProps) {
  const id = useId();
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onFile(event.dataTransfer.files[0] ?? null);
  };
  return (
    <label
      htmlFor={id}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={cx(
        "focus-within:outline-accent grid justify-items-center gap-1 rounded-xl border-2 border-dashed px-4 py-8 text-center focus-within:outline-2",
        isOver ? "border-accent bg-accent-soft" : "border-edge/60 bg-sunken hover:border-accent",
      )}
    >
      <Icon name="upload" className="text-accent size-6" />
      <span className="font-semibold">{file?.name ?? t.project.uploadDrop}</span>
      {file !== null && <span className="text-soft text-sm">{formatBytes(file.size)}</span>}
      <input
        id={id}
        type="file"
        accept={accept}
        className="sr-only"
        onChange={(event) => onFile(event.target.files?.[0] ?? null)}
      />
    </label>
  );
}
