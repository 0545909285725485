import { type ReactNode, useEffect, useRef, useState } from "react";

interface SidewaysProps {
  label: string;
  dir?: "ltr" | "rtl" | undefined;
  children: ReactNode;
}

/** Wide content that scrolls sideways in its own box; a stop of the Tab key only while there is something to scroll. */
export function Sideways({ label, dir, children }: SidewaysProps) {
  const box = useRef<HTMLDivElement>(null);
  const [isWide, setIsWide] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (element === null || !("ResizeObserver" in globalThis)) return;
    const measure = () => setIsWide(element.scrollWidth > element.clientWidth + 1);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    if (element.firstElementChild !== null) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);
  const whenWide = isWide ? { tabIndex: 0, role: "group", "aria-label": label } : {};
  return (
    <div ref={box} {...whenWide} dir={dir} className="sideways">
      {children}
    </div>
  );
}
