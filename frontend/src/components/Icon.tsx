const PATHS = {
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  sun: "M12 4V2m0 20v-2m8-8h2M2 12h2m13.7-5.7 1.4-1.4M4.9 19.1l1.4-1.4m0-11.4L4.9 4.9m14.2 14.2-1.4-1.4M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z",
  columns: "M4 5h7v14H4zM13 5h7v14h-7z",
  stack: "M4 5h16v6H4zM4 13h16v6H4z",
  order: "M5 6h14M5 12h9M5 18h5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  copy: "M9 9h10v11H9zM5 15V4h10",
  download: "M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 20h14",
  upload: "M12 16V5M7.5 9.5 12 5l4.5 4.5M5 20h14",
  arrow: "M5 12h14m-5-5 5 5-5 5",
  up: "M12 19V6m-5 5 5-5 5 5",
  down: "M12 5v13m-5-5 5 5 5-5",
  book: "M5 4h6a2 2 0 0 1 2 2v14a2 2 0 0 0-2-1H5zM21 4h-6a2 2 0 0 0-2 2v14a2 2 0 0 1 2-1h6z",
  history: "M4 5v5h5M4.6 10A8 8 0 1 1 4 13m8-6v5l3.5 2",
  keyboard: "M3 7h18v10H3zM7 10.5h.01M11 10.5h.01M15 10.5h.01M8 13.8h8",
  text: "M5 6h14M12 6v12M9 18h6",
  play: "M8 5.5v13l10-6.5z",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  globe:
    "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 0c2.5 2.4 3.6 5.4 3.6 9s-1.1 6.6-3.6 9c-2.5-2.4-3.6-5.4-3.6-9S9.5 5.4 12 3ZM3.4 9.5h17.2M3.4 14.5h17.2",
  user: "M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM4.5 20a7.5 7.5 0 0 1 15 0",
} as const;

export type IconName = keyof typeof PATHS;

/** A decorative line icon; the control around it carries the name. */
export function Icon({ name, className = "size-4" }: { name: IconName; className?: string }) {
  return (
    <svg viewBox="0 0 24 24" className={className} aria-hidden="true" fill="none" stroke="currentColor">
      <path d={PATHS[name]} strokeWidth="1.75" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

/** The mark: a ranking with a tie in the middle. */
export function Mark({ className = "size-7" }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden="true">
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <g className="fill-accent-ink">
        <rect x="7" y="8" width="18" height="4" rx="2" />
        <rect x="7" y="14" width="8" height="4" rx="2" opacity=".8" />
        <rect x="17" y="14" width="4" height="4" rx="2" opacity=".8" />
        <rect x="7" y="20" width="6" height="4" rx="2" opacity=".6" />
      </g>
    </svg>
  );
}
