import type { Delegate } from "../chat/delegate.ts";
import type { ThreadStore } from "../chat/thread-store.ts";
import type { Caller } from "../core/caller.ts";
import type { Clock } from "../core/clock.ts";
import type { Lazy } from "../core/lazy.ts";
import type { Log } from "../core/log.ts";
import type { OpenPage } from "../core/open-page.ts";
import type { Asking } from "../core/question.ts";
import type { Redact } from "../core/redact.ts";
import type { Keys } from "../core/service-keys.ts";
import type { LongcatClient } from "../gateway/longcat.ts";
import type { PerOwner } from "../gateway/per-owner.ts";
import type { PixazoClient } from "../gateway/pixazo.ts";
import type { InputResolver } from "../inputs/resolver.ts";
import type { Uploads } from "../inputs/uploads.ts";
import type { Job } from "../jobs/job.ts";
import type { LifePoint } from "../jobs/job-context.ts";
import type { JobRunner } from "../jobs/runner.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { Saving } from "../media/saving.ts";
import type { DownloadLinks } from "../public/download-links.ts";
import type { Adoption } from "../purchases/adoption.ts";
import type { Purchases } from "../purchases/purchases.ts";
import type { Questions } from "../questions/user-questions.ts";
import type { Way } from "../questions/way.ts";
import type { Settings } from "../settings/settings.ts";
import type { SeenResults } from "./seen-results.ts";
import type { Progress } from "./usual-time.ts";
import type { Waits } from "./waits.ts";

/** What costs time to load and is opened at the first call that needs it. */
export interface Services {
  jobs: JobRunner;
  media: MediaStore;
  saving: Saving;
  gateway: PerOwner<PixazoClient>;
  inputs: InputResolver;
  purchases: Purchases;
  adoption: Adoption;
  delegate: Delegate;
  threads: ThreadStore;
  keys: Keys;
  waits: Waits;
  longcat: PerOwner<LongcatClient>;
  links: DownloadLinks;
  uploads: Uploads;
  /** Whether the provider may still serve a job's file at an address. */
  isServed(job: Job, url: string): boolean;
}

export interface ToolDeps {
  services: Lazy<Services>;
  settings: Settings;
  clock: Clock;
  log: Log;
  /** Takes our keys out of what quotes a caller. */
  redact: Redact;
  /** Shows a person at this machine a page; absent where there is none. */
  openPage?: OpenPage | undefined;
  /** Told at points at which a crash must do no harm. */
  reached: (point: LifePoint) => void;
  /** Asks users; without it, what could be asked is refused. */
  questions?: Questions | undefined;
}

/** One call of a tool. */
export interface Call {
  caller: Caller;
  /** Aborts when the client has cancelled or gone; that ends waits, never jobs. */
  signal: AbortSignal;
  /** Runs something once the answer has left for the client; never, if it does not. */
  onDelivered: (run: () => Promise<void>) => void;
  /**
   * Shown by some hosts while they wait; does nothing for a client that did not ask.
   * @param of how far it is, where that can be estimated: of a total that stays the same.
   */
  progress: (message: string, of?: Progress) => void;
  /** How the client lets its user be asked, if it does. */
  way?: Way | undefined;
  /** What the user was asked so far; absent where nobody can be. */
  asking?: Asking | undefined;
  /** Whether it may be answered with a task that its client asks for later. */
  takesTasks?: boolean | undefined;
  /** Whether the host shows pages of ours beside answers (MCP Apps). */
  showsPages?: boolean | undefined;
  /** What its connection was given before; absent where that ends with the call. */
  seen?: SeenResults | undefined;
}
