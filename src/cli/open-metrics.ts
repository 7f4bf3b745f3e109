import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { exposition } from "../core/metrics.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { serveMetrics } from "../transports/metrics-listener.ts";
import type { Traffic } from "../transports/traffic.ts";
import { type AnswerFigures, jobFamilies, ProcessFigures, serverFamilies } from "./figures.ts";
import { FRESH_MS } from "./readiness.ts";

export interface MetricsPlace {
  port: number;
  version: string;
  runtime: () => Promise<Pick<Runtime, "jobs" | "timings">>;
  reasons: () => Promise<readonly string[]>;
  stopping: AbortSignal;
  traffic: Traffic;
  answers: AnswerFigures;
  clock: Clock;
  log: Log;
}

/** Serves all figures to Prometheus. @returns a function that ends that. @throws {configuration} */
export async function openMetrics(place: MetricsPlace): Promise<() => void> {
  const figures = new ProcessFigures();
  let known: { at: number; text: Promise<string> } | undefined;
  const close = await serveMetrics({
    port: place.port,
    exposition() {
      const now = place.clock.elapsed();
      // However many ask, the store is asked once.
      if (!known || now - known.at >= FRESH_MS) known = { at: now, text: textOf(place, figures) };
      return known.text;
    },
    onError: (error) => place.log.warn({ err: error }, "metrics"),
  });
  return () => {
    close();
    figures.close();
  };
}

async function textOf(place: MetricsPlace, figures: ProcessFigures): Promise<string> {
  const { version, stopping, traffic, answers, clock, log } = place;
  const reasons = await place.reasons();
  const ofStore = await store(place).catch((error: unknown) => {
    log.warn({ err: error }, "the figures of jobs cannot be read");
    return undefined;
  });
  const isDraining = stopping.aborted;
  return exposition([
    ...serverFamilies({ version, reasons, isDraining, isStoreUp: ofStore !== undefined }),
    ...(ofStore ? [...jobFamilies(ofStore.figures, clock), ...ofStore.timings.families()] : []),
    ...answers.families(traffic),
    ...figures.families(),
  ]);
}

async function store({ runtime }: MetricsPlace) {
  const { jobs, timings } = await runtime();
  return { timings, figures: await jobs.figures() };
}
