import { type RefObject, useEffect, useRef, useState } from "react";

const SETTLED_MS = 400;

/** What a form says once nobody has changed it for a moment, and what to call when somebody does. */
export function useSettled<T>(form: RefObject<HTMLFormElement | null>, read: (form: FormData) => T) {
  const [changes, setChanges] = useState(0);
  const [said, setSaid] = useState<T | null>(null);
  const reader = useRef(read);
  useEffect(() => {
    reader.current = read;
  });
  useEffect(() => {
    const timer = setTimeout(() => {
      if (form.current !== null) setSaid(reader.current(new FormData(form.current)));
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [form, changes]);
  return [said, () => setChanges((before) => before + 1)] as const;
}
