import { useEffect, useState } from "react";

type Theme = "light" | "dark";
const SLOT = "plackett.theme";

function current(): Theme {
  return document.documentElement.dataset.theme === "dark" ? "dark" : "light";
}

/** The theme, and the way to the other one. Without a choice the system's is followed, also when it changes. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(current);
  useEffect(() => {
    const system = globalThis.matchMedia("(prefers-color-scheme: dark)");
    const follow = () => {
      if (localStorage.getItem(SLOT) === null) setTheme(system.matches ? "dark" : "light");
    };
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, []);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  const toggle = () => {
    const other = theme === "dark" ? "light" : "dark";
    localStorage.setItem(SLOT, other);
    setTheme(other);
  };
  return [theme, toggle];
}
