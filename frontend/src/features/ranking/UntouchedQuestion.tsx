import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { t } from "@/strings";

interface UntouchedProps {
  canTie: boolean;
  isSame: boolean;
  onClose: () => void;
  onSame: () => void;
  onTie: () => void;
}

/** An order nobody chose is no answer: asks once before it is sent. */
export function UntouchedQuestion({ canTie, isSame, onClose, onSame, onTie }: UntouchedProps) {
  return (
    <Dialog title={isSame ? t.desk.untouchedSame : t.desk.untouchedTitle} onClose={onClose}>
      <p>{isSame ? t.desk.untouchedSameText : t.desk.untouchedText}</p>
      <div className="flex flex-wrap justify-end gap-2">
        {isSame && <Button onClick={onSame}>{t.desk.untouchedSubmit}</Button>}
        {canTie && <Button onClick={onTie}>{t.desk.untouchedTie}</Button>}
        <Button variant="primary" autoFocus onClick={onClose}>
          {t.desk.goOn}
        </Button>
      </div>
    </Dialog>
  );
}
