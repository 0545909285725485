import { type ReactNode, useEffect, useId, useRef } from "react";

import { IconButton } from "./Button";
import { cx } from "./cx";
import { t } from "@/strings";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
}

/** A modal dialog, open for as long as it is rendered; the browser keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, children, wide = false }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={box}
      aria-labelledby={heading}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === box.current) onClose();
      }}
      className={cx(
        "bg-panel text-ink shadow-float m-auto max-h-[calc(100dvh-2rem)] w-[calc(100vw-2rem)] rounded-2xl p-0 backdrop:bg-black/45",
        wide ? "max-w-3xl" : "max-w-lg",
      )}
    >
      <div className="grid gap-4 p-6">
        <header className="flex items-start gap-3">
          <h2 id={heading} className="me-auto text-xl font-semibold tracking-tight">
            {title}
          </h2>
          <IconButton icon="close" label={t.common.close} onClick={onClose} className="-mt-1.5 -me-2" />
        </header>
        {children}
      </div>
    </dialog>
  );
}
