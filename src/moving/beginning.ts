import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import type { MoveSource, Standing } from "./move-ends.ts";

interface Wishes {
  /** Whose everything is here that is nobody's in particular. */
  localOwner: string;
  /** The name of the user whose that becomes, if one was named. */
  owner: string | undefined;
  /** Milliseconds since the epoch. */
  now: number;
}

const UNCHANGED = "Nothing was changed.";

/**
 * How a move begins.
 * @throws {configuration | invalid_input} where it may not
 */
export function beginning(
  source: MoveSource,
  standing: Standing,
  wishes: Wishes,
): { localOwner: string; takesSecret: boolean } {
  const hadUsers = source.closedAt() !== undefined || source.users().length > 0;
  if (hadUsers && (standing.hadUsers || standing.hasDigests)) {
    throw new AppError(
      "configuration",
      `There have been users here, and the database has users or jobs of its own: two services are not made one. Name an empty database. ${UNCHANGED}`,
    );
  }
  const localOwner = ownerAt(source, standing, wishes);
  const takesSecret = !standing.hasDigests;
  if (takesSecret && standing.isInUse) {
    throw new AppError(
      "configuration",
      `A longcat-mcp is connected to that database: end all replicas, run this, and start them again. ${UNCHANGED}`,
    );
  }
  if (!takesSecret) requireUnprotected(source, wishes.now);
  return { localOwner, takesSecret };
}

function ownerAt(source: MoveSource, standing: Standing, { localOwner, owner }: Wishes): string {
  const users = [...standing.users, ...source.users()];
  const names = users.map(({ name }) => name).join(", ");
  if (owner !== undefined) {
    const found = users.find(({ name }) => name === owner);
    if (found) return found.userId;
    const known = names === "" ? "there are none" : `there are ${oneLine(names, 300)}`;
    throw new AppError(
      "invalid_input",
      `There is no user "${oneLine(owner, 60)}"; ${known}. \`longcat-mcp users add\` adds one to the database where LONGCAT_MCP_DATABASE_URL is set. ${UNCHANGED}`,
    );
  }
  if (!standing.hadUsers || !source.owners().includes(localOwner)) return localOwner;
  throw new AppError(
    "invalid_input",
    `The database has users: say whose the jobs become, with --owner NAME${names === "" ? "" : `, one of ${oneLine(names, 300)}`}. ${UNCHANGED}`,
  );
}

/**
 * What two records keep to know identical calls by is made with a secret of each: where there are
 * jobs already, the other one's is not known any more.
 */
function requireUnprotected(source: MoveSource, now: number): void {
  const { jobs, untilMs } = source.protecting(now);
  if (jobs === 0) return;
  const until =
    untilMs === undefined
      ? "let unfinished ones end, and settle those whose charge is uncertain with `longcat-mcp jobs settle`"
      : `wait until ${new Date(untilMs).toISOString()}`;
  throw new AppError(
    "invalid_input",
    `The database has jobs of its own, and ${jobs} here still keep an identical call from buying again, which would not hold there: ${until}, then run this again. ${UNCHANGED}`,
  );
}
