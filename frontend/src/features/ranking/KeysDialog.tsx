import { type KeyboardEvent, type ReactNode, useState } from "react";

import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Switch } from "@/components/Field";
import { Kbd } from "@/components/Kbd";
import { t } from "@/strings";

import { COMMANDS, type Command, DEFAULT_BINDINGS, isFreeForCommands, keyName } from "./keys";
import type { Preferences } from "./preferences";

interface KeysDialogProps {
  preferences: Preferences;
  onPreferences: (change: Partial<Preferences>) => void;
  onClose: () => void;
}

const ROWS: [keys: string[], text: string][] = [
  [["A", "…", "I"], t.desk.keysRows.letters],
  [["⇧ A", "…", "⇧ I"], t.desk.keysRows.tie],
  [["1", "…", "9"], t.desk.keysRows.digit],
  [["⇧ ↑", "⇧ ↓"], t.desk.keysRows.step],
  [["⌥ 1", "…", "⌥ 7"], t.desk.keysRows.rate],
  [["⌫"], t.desk.keysRows.back],
  [["⏎"], t.desk.keysRows.submit],
  [["?"], t.desk.keysRows.help],
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
        {ROWS.map(([keys, text]) => (
          <Row key={text} text={text}>
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
      <dt className="mr-auto text-sm">{text}</dt>
      <dd className="text-soft flex items-center gap-1">{children}</dd>
    </div>
  );
}
