import { type KeyboardEvent, type ReactNode, useState } from "react";

import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Switch } from "@/components/Field";
import { Kbd } from "@/components/Kbd";
import { type Strings, t } from "@/strings";

import { COMMANDS, type Command, DEFAULT_BINDINGS, isFreeForCommands, keyName } from "./keys";
import type { Preferences } from "./preferences";

interface KeysDialogProps {
  preferences: Preferences;
  onPreferences: (change: Partial<Preferences>) => void;
  onClose: () => void;
}

const ROWS: readonly (readonly [keys: string[], name: keyof Strings["desk"]["keysRows"]])[] = [
  [["A", "…", "I"], "letters"],
  [["⇧ A", "…", "⇧ I"], "tie"],
  [["1", "…", "9"], "digit"],
  [["⇧ ↑", "⇧ ↓"], "step"],
  [["←", "→"], "select"],
  [["⌥ 1", "…", "⌥ 7"], "rate"],
  [["1", "…", "0", "A", "… "], "flags"],
  [["⌫"], "back"],
  [["⏎"], "submit"],
  [["?"], "help"],
];

/** Every key, the switch that turns them off, and other letters for the commands. */
export function KeysDialog({ preferences, onPreferences, onClose }: KeysDialogProps) {
  const { bindings, singleKeys } = preferences;
  const [asked, setAsked] = useState<Command | null>(null);
  const press = (event: KeyboardEvent) => {
    if (asked === null || event.key === "Tab" || event.key === "Escape") return;
    event.preventDefault();
    if (!isFreeForCommands(event.code)) return;
    const other = COMMANDS.find((name) => bindings[name] === event.code);
    const swapped = other === undefined ? {} : { [other]: bindings[asked] };
    onPreferences({ bindings: { ...bindings, ...swapped, [asked]: event.code } });
    setAsked(null);
  };
  return (
    <Dialog title={t.desk.keysTitle} onClose={onClose}>
      <div>
        <Switch label={t.desk.keysOn} checked={singleKeys} onChange={(on) => onPreferences({ singleKeys: on })} />
        {!singleKeys && <p className="text-soft text-sm">{t.desk.keysOff}</p>}
      </div>
      <dl className="divide-line grid divide-y" onKeyDown={press}>
        {ROWS.map(([keys, name]) => (
          <Row key={name} text={t.desk.keysRows[name]}>
            {keys.map((key) => (key === "…" ? <span key={key}>…</span> : <Kbd key={key}>{key}</Kbd>))}
          </Row>
        ))}
        {COMMANDS.map((command) => (
          <Row key={command} text={t.desk.keysCommands[command]}>
            <Button
              size="small"
              aria-label={t.desk.keysChange(t.desk.keysCommands[command])}
              onClick={() => setAsked(command)}
            >
              {asked === command ? t.desk.keysPress : keyName(bindings[command])}
            </Button>
          </Row>
        ))}
      </dl>
      <div>
        <Button size="small" variant="quiet" onClick={() => onPreferences({ bindings: DEFAULT_BINDINGS })}>
          {t.desk.keysReset}
        </Button>
      </div>
    </Dialog>
  );
}

function Row({ text, children }: { text: string; children: ReactNode }) {
  return (
    <div className="flex items-center gap-3 py-2">
      <dt className="me-auto text-sm">{text}</dt>
      <dd className="text-soft flex items-center gap-1">{children}</dd>
    </div>
  );
}
