import "uplot/dist/uPlot.min.css";

import { useEffect, useRef } from "react";
import uPlot from "uplot";

import { formatFigure } from "./format";

export type Points = readonly (readonly [step: number, value: number | null])[];

interface ChartProps {
  points: Points;
  label: string;
  height?: number;
}

function dataOf(points: Points): uPlot.AlignedData {
  return [points.map(([step]) => step), points.map(([, value]) => value)];
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsFor(width: number, height: number): uPlot.Options {
  const axis = () => ({
    stroke: colour("--soft"),
    values: (_: uPlot, splits: number[]) => splits.map(formatFigure),
    font: "11px Inter Variable, sans-serif",
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  });
  return {
    width,
    height,
    legend: { show: false },
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    scales: { x: { time: false } },
    axes: [
      { ...axis(), size: 26, space: 60 },
      { ...axis(), size: 56, space: 24 },
    ],
    series: [
      {},
      {
        stroke: colour("--accent"),
        width: 2,
        points: { show: (plot) => plot.data[0].length < 40, size: 5 },
        spanGaps: true,
      },
    ],
  };
}

/** One curve over steps. Its numbers stand beside it, so the picture itself is only an image with a name. */
export function Chart({ points, label, height = 160 }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const draw = () => {
      const data = plot.current?.data ?? [[], []];
      plot.current?.destroy();
      plot.current = new uPlot(optionsFor(element.clientWidth, height), data, element);
    };
    draw();
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    const theme = new MutationObserver(draw);
    resize.observe(element);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      resize.disconnect();
      theme.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [height]);

  useEffect(() => plot.current?.setData(dataOf(points)), [points]);

  return <div ref={box} role="img" aria-label={label} className="min-w-0 overflow-hidden" />;
}
