import {
  type Announcements,
  type CollisionDetection,
  closestCenter,
  DndContext,
  type DragEndEvent,
  DragOverlay,
  MouseSensor,
  pointerWithin,
  TouchSensor,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import { type ReactNode, useState } from "react";

import { t } from "@/strings";

import type { Bench } from "./bench";

/** What lies under the pointer; between two targets the nearer one of the rail. */
const underPointer: CollisionDetection = (field) => {
  const hit = pointerWithin(field);
  return hit.length > 0 ? hit : closestCenter(field).slice(0, 1);
};

function moveOf(event: DragEndEvent): { id: number; place?: number; gap?: number } | null {
  const id: unknown = event.active.data.current?.id;
  const target = event.over?.data.current as { place?: number; gap?: number } | undefined;
  return typeof id === "number" && target !== undefined ? { id, ...target } : null;
}

/** Dragging with a mouse, or with a finger that rests first: a scroll never moves a card. */
export function DragField({ bench, children }: { bench: Bench; children: ReactNode }) {
  const [dragged, setDragged] = useState<number | null>(null);
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 6 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 250, tolerance: 8 } }),
  );
  const letter = (id: unknown) => (typeof id === "number" ? bench.letterOf(id) : "");
  const announcements: Announcements = {
    onDragStart: ({ active }) => t.desk.announce.dragging(letter(active.data.current?.id)),
    onDragOver: () => undefined,
    onDragEnd: () => undefined,
    onDragCancel: ({ active }) => t.desk.announce.dropped(letter(active.data.current?.id)),
  };
  const drop = (event: DragEndEvent) => {
    setDragged(null);
    const move = moveOf(event);
    if (move?.gap !== undefined) bench.act({ type: "insert", id: move.id, gap: move.gap });
    else if (move?.place !== undefined && !bench.judgment.ranking.places[move.place - 1]?.includes(move.id))
      bench.act({ type: "put", id: move.id, place: move.place });
  };
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={underPointer}
      accessibility={{ announcements }}
      onDragStart={({ active }) => setDragged(Number(active.data.current?.id))}
      onDragEnd={drop}
      onDragCancel={() => setDragged(null)}
    >
      {children}
      <DragOverlay dropAnimation={null}>
        {dragged !== null && (
          <div className="bg-accent text-accent-ink shadow-float grid size-10 cursor-grabbing place-items-center rounded-lg text-lg font-bold">
            {bench.letterOf(dragged)}
          </div>
        )}
      </DragOverlay>
    </DndContext>
  );
}
