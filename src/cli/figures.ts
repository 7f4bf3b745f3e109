import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "../core/clock.ts";
import { Counter, type Family, gauge, Histogram } from "../core/metrics.ts";
import type { JobFigures } from "../jobs/job-figures.ts";
import type { Answered, Traffic } from "../transports/traffic.ts";

/** Of answers, most of which take no time, and some of which wait for a picture. */
const ANSWER_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 30, 60] as const;
const MONEY = ["spent", "reserved", "uncertain"] as const;
const NS_PER_SECOND = 1e9;
const US_PER_SECOND = 1e6;

/** What has been answered over HTTP. */
export class AnswerFigures {
  readonly #requests = new Counter(
    "longcat_mcp_http_requests_total",
    "Requests that were answered, by address, method and status; status 0: the client had left.",
  );
  readonly #seconds = new Histogram(
    "longcat_mcp_http_request_duration_seconds",
    "How long answers took to leave, streams apart.",
    ANSWER_SECONDS,
  );

  note({ method, route, status = 0, seconds, isStream }: Answered): void {
    this.#requests.add({ method, route, status: String(status) });
    if (!isStream) this.#seconds.observe({ route }, seconds);
  }

  families({ calls, streams }: Pick<Traffic, "calls" | "streams">): Family[] {
    return [
      this.#requests.family(),
      this.#seconds.family(),
      one("longcat_mcp_http_requests_in_flight", "Requests without their answer yet.", calls),
      one("longcat_mcp_streams", "Streams of events that are open.", streams),
    ];
  }
}

/** How the jobs of everybody stand; no owner is told apart. */
export function jobFamilies({ counted, oldest }: JobFigures, clock: Clock): Family[] {
  const states = new Map<string, { state: string; operation: string; jobs: number }>();
  const usd = new Map<string, number>(MONEY.map((charge) => [charge, 0]));
  for (const { state, operation, charge, jobs, usd: more } of counted) {
    const key = `${state} ${operation}`;
    const sofar = states.get(key) ?? { state, operation, jobs: 0 };
    states.set(key, { ...sofar, jobs: sofar.jobs + jobs });
    const sum = usd.get(charge);
    if (sum !== undefined) usd.set(charge, sum + more);
  }
  return [
    gauge(
      "longcat_mcp_jobs",
      "Jobs in the record, of everybody, by state and operation.",
      [...states.values()].map(({ jobs, ...labels }) => ({ labels, value: jobs })),
    ),
    gauge(
      "longcat_mcp_money_usd",
      "What all jobs in the record have cost or may cost, in US dollars, by charge.",
      [...usd].map(([charge, value]) => ({ labels: { charge }, value })),
    ),
    gauge(
      "longcat_mcp_oldest_job_age_seconds",
      "How long ago the oldest unfinished job of each state was recorded.",
      oldest.map(({ state, createdAt }) => ({
        labels: { state },
        value: Math.max(0, clock.now() - createdAt) / 1000,
      })),
    ),
  ];
}

/** How this server stands. */
export function serverFamilies(facts: {
  version: string;
  reasons: readonly string[];
  isDraining: boolean;
  isStoreUp: boolean;
}): Family[] {
  const labels = { version: facts.version, node: process.version };
  return [
    gauge("longcat_mcp_info", "Which version runs on which Node.", [{ labels, value: 1 }]),
    one("longcat_mcp_ready", "Whether /readyz says 200.", facts.reasons.length === 0),
    one("longcat_mcp_draining", "Whether it was asked to end.", facts.isDraining),
    one("longcat_mcp_store_up", "Whether the job database answers.", facts.isStoreUp),
  ];
}

/** What the process takes, under the names that every exporter uses. */
export class ProcessFigures {
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });

  constructor() {
    this.#delay.enable();
  }

  /** The delays are those since the last call. */
  families(): Family[] {
    const { rss, heapUsed, heapTotal } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const p99 = this.#delay.percentile(99) / NS_PER_SECOND;
    const max = this.#delay.max / NS_PER_SECOND;
    this.#delay.reset();
    const cpu = new Counter("process_cpu_seconds_total", "Time on the processor, in seconds.");
    cpu.add({}, (user + system) / US_PER_SECOND);
    return [
      cpu.family(),
      one("process_resident_memory_bytes", "Memory in use.", rss),
      one(
        "process_start_time_seconds",
        "When it started, since the epoch.",
        performance.timeOrigin / 1000,
      ),
      ...openFiles(),
      one("nodejs_heap_size_used_bytes", "Used of the heap.", heapUsed),
      one("nodejs_heap_size_total_bytes", "Size of the heap.", heapTotal),
      one("nodejs_eventloop_lag_p99_seconds", "How late timers are, but for one in 100.", p99),
      one("nodejs_eventloop_lag_max_seconds", "How late the latest timer was.", max),
    ];
  }

  close(): void {
    this.#delay.disable();
  }
}

/** Only Linux tells. */
function openFiles(): Family[] {
  try {
    return [one("process_open_fds", "Open files.", readdirSync("/proc/self/fd").length)];
  } catch {
    return [];
  }
}

function one(name: string, help: string, value: number | boolean): Family {
  return gauge(name, help, [{ labels: {}, value: Number(value) }]);
}
