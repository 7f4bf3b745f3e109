import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { ProxySettings } from "../core/proxy-settings.ts";
import type { Redact } from "../core/redact.ts";
import type { Timings } from "../core/timings.ts";
import type { PublicPlace } from "../inputs/public-address.ts";
import type { UploadPoint } from "../inputs/uploads.ts";
import type { JobEvents } from "../jobs/events.ts";
import type { LifePoint } from "../jobs/job-context.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { LineageRecord } from "../jobs/lineage.ts";
import type { OpenedPlaces } from "../media/opened-folders.ts";
import type { DownloadRoute } from "../public/download-route.ts";
import type { UploadRoute } from "../public/upload-route.ts";
import type { Webhooks } from "../purchases/webhooks.ts";
import type { QuestionRecord } from "../questions/question-record.ts";
import type { SessionRecord } from "../sessions/session-record.ts";
import type { Settings } from "../settings/settings.ts";
import type { Services } from "../tools/services.ts";
import type { AuditLog } from "../users/audit-log.ts";
import type { Door } from "../users/door.ts";
import type { UserStore } from "../users/user-store.ts";
import type { VisitRecord } from "../users/visit-record.ts";
import type { BuiltInProvider } from "./open-provider.ts";

export interface RuntimeOptions {
  settings: Settings;
  proxies: ProxySettings;
  events: JobEvents;
  clock: Clock;
  log: Log;
  redact: Redact;
  /** Starts the sandbox; asked only when the settings want it. */
  startSandbox: (speed: number) => Promise<BuiltInProvider>;
  reached: (point: LifePoint | UploadPoint) => void;
  /** Aborts when the server is asked to end: nothing new is started from then on. */
  stopping?: AbortSignal;
  /** How long what is in flight then may still take, in milliseconds. */
  patienceMs: number;
  publicPlace: PublicPlace;
  /** What the user has opened beside the folders of the settings. Without it, nobody is asked. */
  opened?: OpenedPlaces | undefined;
  holder: string;
  /** Whose files lie where they did before callers were told apart. */
  homeOwner: string;
  isGone: (holder: string) => boolean;
}

export interface Runtime extends Services {
  /** How long requests to the provider have taken. */
  timings: Timings;
  /** Once what was in flight when the server was asked to end is over, or has taken too long. */
  settled(): Promise<void>;
  store: JobStore;
  lineage: LineageRecord;
  /** Sessions of clients of the 2025 era that others share, and the time by which they do. */
  sessions: { record: SessionRecord; clock: Clock } | undefined;
  /** Who was let in to see pages, where others share that, and the time by which they do. */
  visits: { record: VisitRecord; clock: Clock } | undefined;
  /** What questions need that are sent away and come back. */
  asked: QuestionRecord;
  users: UserStore;
  audit: AuditLog;
  /** Whether calls over HTTP need a token. */
  door: Door;
  /** Answers whoever has a link to a finished file. */
  downloads: DownloadRoute;
  webhooks: Pick<Webhooks, "receive">;
  /** Answers whoever has an address for an upload. */
  uploading: UploadRoute;
  close(): Promise<void>;
}
