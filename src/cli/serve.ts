import packageJson from "../../package.json" with { type: "json" };
import { atMost, MINUTE_MS, systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { Lazy } from "../core/lazy.ts";
import { createLog } from "../core/log.ts";
import type { OpenPage } from "../core/open-page.ts";
import { LOCAL_OWNER } from "../core/owner.ts";
import type { Program } from "../core/program.ts";
import { createRedact } from "../core/redact.ts";
import { JobEvents } from "../jobs/events.ts";
import { OpenedFolders } from "../media/opened-folders.ts";
import { Questions } from "../questions/user-questions.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { ServerFactory } from "../server.ts";
import { DEFAULT_PORTS } from "../settings/commands.ts";
import type { Settings } from "../settings/settings.ts";
import type { BegunConversation } from "../transports/begun-conversation.ts";
import type { PublicRoute } from "../transports/public-listener.ts";
import { serveOnStdio } from "../transports/stdio.ts";
import { requireDataDir } from "./data-folder.ts";
import type { Ending } from "./ending.ts";
import { onceEach } from "./opened-pages.ts";
import { findPlace, lives } from "./process-place.ts";
import { startSandbox } from "./sandbox.ts";
import { secretsOf } from "./secrets.ts";

/** A client lists the tools right after the first answer; loading the rest must not delay that. */
const AFTER_FIRST_LIST_MS = 300;

const OPEN_AGAIN_MS = 5_000;
const FILES_STAY =
  "Jobs are recorded in the database of LONGCAT_MCP_DATABASE_URL; finished files and uploads stay on the machine that has fetched them.";

/** Clients that started us do not wait long until they kill us. */
const STDIO_PATIENCE_MS = 10_000;
const STDIO_ANSWERS_MS = 2_000;
/** What is told apart among the addresses that are asked for. */
const ROUTES = ["/mcp", "/healthz", "/readyz", "/"];

/** What answers clients. */
interface Serving {
  answered(): Promise<void>;
  close(): Promise<void>;
}

/** Runs the MCP server until its client or a signal ends it. */
export async function serve(
  command: "stdio" | "http",
  settings: Settings,
  ending: Ending,
  begun: BegunConversation | undefined,
): Promise<void> {
  requireDataDir(settings.dataDir);
  const redact = createRedact(secretsOf(settings));
  const log = createLog(settings.logLevel, redact, (line) => process.stderr.write(line));
  if (settings.hostingBucket) {
    const { requireBuckets } = await import("./bucket-check.ts");
    await requireBuckets(settings, redact, (sentence) => ending.say(sentence));
  }
  const events = new JobEvents();
  const stopping = new AbortController();
  const patienceMs = command === "stdio" ? STDIO_PATIENCE_MS : settings.drainSeconds * 1000;
  const reached = crashPoint(process.env["LONGCAT_MCP_TEST_CRASH_AT"]);
  /** Where MCP is served over HTTP. */
  let serverPort: number | undefined;
  const naming = new Lazy(async () => {
    const { nameHolder } = await import("../jobs/lease-holder.ts");
    const startedAt = Math.round(performance.timeOrigin);
    return nameHolder({ place: findPlace(), pid: process.pid, startedAt, lives });
  });
  const place = new Lazy(async () => {
    const { publicPlace } = await import("./public-place.ts");
    const { holder } = await naming.get();
    const { DOWNLOADS_PATH } = await import("../public/download-links.ts");
    const downloads: PublicRoute = {
      prefix: DOWNLOADS_PATH,
      answer: async (...asked) => (await services.get()).downloads.answer(...asked),
    };
    const { webhookRoute } = await import("../transports/webhook-route.ts");
    const webhooks = webhookRoute(
      async (...heard) => (await services.get()).webhooks.receive(...heard),
      (error) => log.warn({ err: error }, "a webhook came to nothing"),
    );
    const { UPLOADS_PATH } = await import("../inputs/uploads.ts");
    const uploading: PublicRoute = {
      prefix: UPLOADS_PATH,
      methods: ["GET", "HEAD", "PUT"],
      takesBody: true,
      bodyMs: settings.uploads.minutes * MINUTE_MS,
      answer: async (...asked) => (await services.get()).uploading.answer(...asked),
    };
    return publicPlace(settings, holder, serverPort, [downloads, webhooks, uploading], log);
  });
  const folders = new OpenedFolders(settings.dataDir, systemClock);
  const questions = new Questions({
    clock: systemClock,
    waitMs: settings.questionSeconds * 1000,
    keep: (key, chosen) => folders.keep(key, chosen),
    record: async () => (await services.get()).asked,
  });
  // What goes on for ever is begun on nobody's behalf, though a call may be the first to need it.
  const openServices = async (): Promise<Runtime> => {
    const { openRuntime } = await import("../runtime/open-runtime.ts");
    return openRuntime({
      settings,
      proxies: settings.proxies,
      events,
      clock: systemClock,
      log,
      redact,
      homeOwner: LOCAL_OWNER,
      startSandbox,
      reached,
      stopping: stopping.signal,
      patienceMs,
      publicPlace: await place.get(),
      opened: folders.withCall(() => questions.agreements.current),
      ...(await naming.get()),
    });
  };
  const services = new Lazy(() => log.within({}, openServices));
  const around = { settings, events, redact, log, services, stopping: stopping.signal };
  const onPageError = (error: unknown) => log.warn({ err: error }, "a page was not opened");
  /** Where this machine's user sees pages; a server over HTTP has its own. */
  let pagesPlace = new Lazy(async () => {
    const { placeOfItsOwn } = await import("./open-gallery.ts");
    return placeOfItsOwn(around, onPageError);
  });
  const openPage: OpenPage = (path) =>
    pagesPlace.get().then(
      (opened) => opened.openPage(path),
      () => false,
    );
  // Over HTTP nobody knows whether whoever calls sits at this machine.
  const isAtScreen = command === "stdio" && settings.openPages;
  const factory = new ServerFactory({
    ...(isAtScreen && { openPage: onceEach(openPage, systemClock) }),
    services,
    settings,
    clock: systemClock,
    log,
    redact,
    reached,
    questions,
    version: packageJson.version,
    events,
  });
  const openJobs = () => {
    services.get().catch((error: unknown) => {
      log.error({ err: error }, "jobs cannot be opened");
      // A server that is not there yet may come, and nobody need call for its jobs to go on.
      if (settings.database && !stopping.signal.aborted) {
        systemClock.schedule(OPEN_AGAIN_MS, openJobs);
      }
    });
  };
  /** Jobs of an earlier process go on even if this client never calls a tool. */
  const openEarly = () => {
    systemClock.schedule(AFTER_FIRST_LIST_MS, () => {
      void factory.preload();
      openJobs();
    });
  };
  const onError = (error: Error) => log.warn({ err: error }, "protocol error");

  let closeMetrics = () => {};
  let serving: Serving = { answered: async () => {}, close: async () => {} };
  ending.closeWith(async () => {
    // Nothing new is started, and what waits is answered; what is in flight may be a purchase.
    stopping.abort();
    const runtime = await services.settled();
    const answersMs = Math.min(patienceMs, command === "stdio" ? STDIO_ANSWERS_MS : patienceMs);
    await Promise.all([atMost(systemClock, answersMs, serving.answered()), runtime?.settled()]);
    await serving.close();
    await pagesPlace.current?.close();
    await runtime?.close();
    await place.current?.close();
    closeMetrics();
  }, patienceMs);
  ending.onSignals();

  const { closedPlace } = await import("./closed-place.ts");
  const marker = await closedPlace(settings, log);
  if (settings.database && !settings.mediaBucket) ending.say(FILES_STAY);
  if (command === "stdio") {
    const { stdout, stderr } = process;
    const { stdin, heard } = begun ?? { stdin: process.stdin, heard: [] };
    if (process.stdin.isTTY && stderr.isTTY) stderr.write(waitingText(settings.program));
    serving = serveOnStdio(factory, {
      stdin,
      heard,
      stdout,
      clock: systemClock,
      log,
      stopping: stopping.signal,
      onFirstAnswer: openEarly,
      onEnd: () => ending.end(0),
      onError,
    });
  } else {
    const { serveOnHttp } = await import("../transports/http.ts");
    const { RateLimits } = await import("../transports/rate-limits.ts");
    const { openAccess } = await import("./http-access.ts");
    const { refuseServerPort } = await import("./public-place.ts");
    const { host, port = DEFAULT_PORTS.http, publicPort, publicUrl } = settings;
    const callers = openAccess({
      settings,
      runtime: services,
      marker,
      clock: systemClock,
      onError,
    });
    for (const note of callers.notes) ending.say(note);
    const { Readiness } = await import("./readiness.ts");
    const { Traffic } = await import("../transports/traffic.ts");
    const { AnswerFigures } = await import("./figures.ts");
    const answers = new AnswerFigures();
    const traffic = new Traffic(systemClock, ROUTES, (answered) => answers.note(answered));
    const readiness = new Readiness({
      settings,
      askStore: async () => (await services.get()).jobs.figures(),
      checkRoom: async () => (await services.get()).media.checkRoom(LOCAL_OWNER, "images", 1),
      stopping: stopping.signal,
      clock: systemClock,
    });
    const { openGallery, placeOnServer } = await import("./open-gallery.ts");
    const { authenticator } = callers.access;
    const gallery = openGallery(around, authenticator);
    const http = await serveOnHttp(factory, {
      ...callers,
      pages: gallery,
      isAnywhere: settings.mediaBucket !== undefined,
      hasOthers: settings.database !== undefined,
      host,
      port,
      version: packageJson.version,
      events,
      clock: systemClock,
      limits: new RateLimits({ clock: systemClock, ...settings.userLimits }),
      ...(settings.sessions && { sessions: sessionsOf(settings, services) }),
      log,
      traffic,
      readiness: () => readiness.reasons(),
      stopping: stopping.signal,
      onError,
    });
    serving = {
      answered: http.answered,
      async close() {
        await http.close();
        await callers.close();
      },
    };
    serverPort = http.port;
    pagesPlace = new Lazy(async () => placeOnServer(gallery, http.url, authenticator, onPageError));
    if (settings.metricsPort !== undefined) {
      const { openMetrics } = await import("./open-metrics.ts");
      closeMetrics = await openMetrics({
        port: settings.metricsPort,
        version: packageJson.version,
        runtime: () => services.get(),
        reasons: () => readiness.reasons(),
        stopping: stopping.signal,
        ...{ traffic, answers, clock: systemClock, log },
      });
    }
    if (publicUrl !== undefined || publicPort !== undefined) {
      refuseServerPort(settings, serverPort);
      const { listen, open } = await place.get();
      await listen();
      process.stderr.write(
        `Public files, and nothing else, are at ${await open()}: lead a tunnel there.\n`,
      );
    }
    await callers.record();
    process.stderr.write(`longcat-mcp listens on ${http.url}\n`);
    // As long as nobody can say whether there are users, there are some.
    if (!(await authenticator.isClosed().catch(() => true))) {
      const link = await (await pagesPlace.get()).link();
      process.stderr.write(`The gallery, once and within 10 minutes: ${link}\n`);
    }
    openEarly();
  }
}

/** Sessions of clients of the 2025 era: where the record is shared, so are they. */
function sessionsOf({ database, userLimits }: Settings, services: Lazy<Runtime>) {
  const shared = async () => {
    const { sessions } = await services.get();
    if (sessions) return sessions;
    throw new AppError("internal", "The record has no sessions.");
  };
  return { most: userLimits.streams, shared: database && shared };
}

/** What somebody sees who starts the program by hand: it says nothing by itself. */
function waitingText({ start }: Program): string {
  return (
    "longcat-mcp waits here for an MCP client to speak on stdin; Ctrl+D ends it.\n" +
    `An MCP host starts it by itself, with this as its command: ${start}\n` +
    `To see what it does: ${start} demo\n`
  );
}

/**
 * Pulls the plug at a named point of a job's life, or freezes the program there once: for the tests,
 * and nothing without their variable.
 * @param wanted the point, and after a space the signal, if it is not SIGKILL.
 */
function crashPoint(wanted: string | undefined): (point: string) => void {
  if (!wanted) return () => {};
  const [where, signal] = wanted.split(" ");
  let isOver = false;
  return (point) => {
    if (point !== where || isOver) return;
    isOver = true;
    process.kill(process.pid, signal === "SIGSTOP" ? signal : "SIGKILL");
  };
}
