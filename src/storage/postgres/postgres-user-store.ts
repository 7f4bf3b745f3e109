import * as z from "zod";
import { SCOPES } from "../../core/caller.ts";
import type { AuditEvent } from "../../users/audit-log.ts";
import { newUserId, type User } from "../../users/user.ts";
import type { NewUser, UserChange, UserStore } from "../../users/user-store.ts";
import { assignments, type Column, marks } from "../rows/job-rows.ts";
import { nameTaken, nobody, subjectTaken, usersLeft } from "../rows/refusals.ts";
import { capColumns, readUser } from "../rows/user-rows.ts";
import { isShared } from "./committed-rows.ts";
import type { PostgresDatabase, Statements } from "./database.ts";
import { InstallationSecret } from "./installation-secret.ts";
import { noteAudit } from "./postgres-audit-log.ts";

/** Changes of users are rare, and one at a time. */
const USERS = "users";

const issuerRow = z.object({ issuer: z.string() });
const numberRow = z.object({ n: z.number() });

/** Users beside the jobs, on a server. */
export class PostgresUserStore implements UserStore {
  readonly #db: PostgresDatabase;
  readonly #secret: InstallationSecret;

  constructor(db: PostgresDatabase) {
    this.#db = db;
    this.#secret = new InstallationSecret(db);
  }

  async add(user: NewUser): Promise<User> {
    const { name, scopes, caps, subject, tokenHash, expiresAt, now } = user;
    return this.#changing(async (db) => {
      const [taken] = await all(db, "name = ? AND revoked_at IS NULL", [name]);
      if (taken) throw nameTaken(name);
      await close(db, now);
      const unnamed = subject === undefined ? undefined : await unnamedOf(db, subject);
      const userId = unnamed?.userId ?? user.userId;
      if (!unnamed) await insert(db, { user_id: userId, scopes: "[]", created_at: now });
      await update(db, userId, {
        name,
        scopes: JSON.stringify(scopes),
        ...capColumns(caps),
        ...{ token_hash: tokenHash, token_made_at: now, expires_at: expiresAt },
      });
      if (subject !== undefined) await bind(db, userId, subject);
      await note(db, now, "user_added", userId);
      await note(db, now, "token_made", userId);
      return requireUser(db, userId);
    });
  }

  async change(userId: string, change: UserChange, now: number): Promise<User> {
    const { scopes, caps, subject, expiresAt } = change;
    return this.#changing(async (db) => {
      await requireUser(db, userId);
      const columns: Record<string, Column> = {
        ...(scopes ? { scopes: JSON.stringify(scopes) } : {}),
        ...(caps ? capColumns(caps) : {}),
        ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
      };
      if (Object.keys(columns).length > 0) await update(db, userId, columns);
      if (subject !== undefined) await bind(db, userId, subject);
      await note(db, now, "user_changed", userId);
      return requireUser(db, userId);
    });
  }

  async rotate(
    userId: string,
    { tokenHash, expiresAt }: { tokenHash: string; expiresAt: number },
    now: number,
  ): Promise<User> {
    return this.#changing(async (db) => {
      await requireUser(db, userId);
      const token = { token_hash: tokenHash, token_made_at: now, expires_at: expiresAt };
      await update(db, userId, token);
      await note(db, now, "token_rotated", userId);
      return requireUser(db, userId);
    });
  }

  async revoke(userId: string, now: number): Promise<User> {
    return this.#changing(async (db) => {
      const user = await requireUser(db, userId);
      await update(db, userId, { revoked_at: now });
      await note(db, now, "user_revoked", userId);
      return { ...user, revokedAt: now };
    });
  }

  async forget(userId: string, now: number): Promise<void> {
    await this.#changing(async (db) => {
      const [user] = await all(db, "user_id = ? AND erased_at IS NULL", [userId]);
      if (!user) throw nobody(userId);
      if (user.revokedAt === undefined) await note(db, now, "user_revoked", userId);
      const { issuer, subject } = user;
      await update(db, userId, {
        ...{ name: null, subject: null, issuer: null, token_hash: null, erased_at: now },
        revoked_at: user.revokedAt ?? now,
        forgotten_subject: subject === undefined ? null : await this.#digest(issuer, subject),
      });
      await note(db, now, "user_erased", userId);
    });
  }

  async list(): Promise<User[]> {
    return all(this.#db, "erased_at IS NULL ORDER BY created_at, seq", []);
  }

  async erased(): Promise<string[]> {
    return (await all(this.#db, "erased_at IS NOT NULL", [])).map(({ userId }) => userId);
  }

  async get(userId: string): Promise<User | undefined> {
    return (await all(this.#db, "user_id = ?", [userId]))[0];
  }

  async byTokenHash(hash: string): Promise<User | undefined> {
    return (await all(this.#db, "token_hash = ?", [hash]))[0];
  }

  async bySubject(
    { issuer, subject }: { issuer: string; subject: string },
    now: number,
  ): Promise<User> {
    const known = await this.#ofSubject(this.#db, issuer, subject);
    if (known) return known;
    return this.#changing(async (db) => {
      const others = await this.#ofSubject(db, issuer, subject);
      if (others) return others;
      const userId = newUserId();
      const scopes = JSON.stringify(SCOPES);
      await insert(db, { user_id: userId, scopes, issuer, subject, created_at: now });
      await note(db, now, "subject_seen", userId);
      return requireUser(db, userId);
    });
  }

  async everExisted(): Promise<boolean> {
    return isShared(this.#db);
  }

  async noteClosed(now: number): Promise<void> {
    await this.#changing((db) => close(db, now));
  }

  async noteIssuer(issuer: string, now: number): Promise<void> {
    await this.#changing(async (db) => {
      const known = await db.all("SELECT issuer FROM issuers WHERE issuer = ?", [issuer]);
      await close(db, now);
      await db.run("UPDATE users SET issuer = ? WHERE subject IS NOT NULL AND issuer IS NULL", [
        issuer,
      ]);
      await db.run(
        `INSERT INTO issuers (issuer, started_at) VALUES (?, ?)
         ON CONFLICT (issuer) DO UPDATE SET started_at = excluded.started_at`,
        [issuer, now],
      );
      if (known.length === 0) await noteAudit(db, { at: now, event: "issuer_set" });
    });
  }

  async reopen(now: number, unmark: () => void): Promise<void> {
    await this.#changing(async (db) => {
      const [row] = await db.all("SELECT count(*) AS n FROM users WHERE revoked_at IS NULL", []);
      const { n } = numberRow.parse(row);
      if (n > 0) throw usersLeft(n);
      unmark();
      await db.run("DELETE FROM closed", []);
      await db.run("DELETE FROM issuers", []);
      await noteAudit(db, { at: now, event: "service_opened" });
    });
  }

  #changing<T>(work: (db: Statements) => Promise<T>): Promise<T> {
    return this.#db.transaction(async (db) => {
      await db.lock(USERS);
      return work(db);
    });
  }

  /** Whoever it is bound to now; else whom it was revoked or erased with last. */
  async #ofSubject(db: Statements, issuer: string, subject: string): Promise<User | undefined> {
    const [known] = await all(
      db,
      "subject = ? AND issuer = ? ORDER BY revoked_at IS NOT NULL, revoked_at DESC LIMIT 1",
      [subject, issuer],
    );
    if (known) return known;
    const digests = [await this.#digest(issuer, subject), await this.#digest(undefined, subject)];
    return (
      await all(db, "forgotten_subject IN (?, ?) ORDER BY erased_at DESC LIMIT 1", digests)
    )[0];
  }

  #digest(issuer: string | undefined, subject: string): Promise<string> {
    return this.#secret.digest(JSON.stringify([issuer ?? null, subject]));
  }
}

async function all(db: Statements, where: string, values: readonly Column[]): Promise<User[]> {
  return (await db.all(`SELECT * FROM users WHERE ${where}`, values)).map(readUser);
}

async function requireUser(db: Statements, userId: string): Promise<User> {
  const [user] = await all(db, "user_id = ? AND revoked_at IS NULL", [userId]);
  if (!user) throw nobody(userId);
  return user;
}

/** Who has logged in as a subject before anyone gave it a name: what is theirs stays theirs. */
async function unnamedOf(db: Statements, subject: string): Promise<User | undefined> {
  const unnamed =
    "subject = ? AND issuer IS NOT DISTINCT FROM ? AND name IS NULL AND revoked_at IS NULL";
  return (await all(db, unnamed, [subject, await latestIssuer(db)]))[0];
}

async function bind(db: Statements, userId: string, subject: string): Promise<void> {
  const issuer = await latestIssuer(db);
  const [other] = await all(
    db,
    "subject = ? AND issuer IS NOT DISTINCT FROM ? AND revoked_at IS NULL AND user_id <> ?",
    [subject, issuer, userId],
  );
  if (other) throw subjectTaken(subject, other);
  await update(db, userId, { issuer, subject });
}

async function insert(db: Statements, columns: Record<string, Column>): Promise<void> {
  const names = Object.keys(columns);
  await db.run(
    `INSERT INTO users (${names.join(", ")}) VALUES (${marks(names)})`,
    Object.values(columns),
  );
}

async function update(
  db: Statements,
  userId: string,
  columns: Record<string, Column>,
): Promise<void> {
  await db.run(`UPDATE users SET ${assignments(columns)} WHERE user_id = ?`, [
    ...Object.values(columns),
    userId,
  ]);
}

async function close(db: Statements, now: number): Promise<void> {
  await db.run(
    "INSERT INTO closed (closed_at) SELECT CAST(? AS bigint) WHERE NOT EXISTS (SELECT 1 FROM closed)",
    [now],
  );
}

/** The issuer that the service was last started with. */
async function latestIssuer(db: Statements): Promise<string | null> {
  const [row] = await db.all("SELECT issuer FROM issuers ORDER BY started_at DESC LIMIT 1", []);
  return row === undefined ? null : issuerRow.parse(row).issuer;
}

async function note(db: Statements, at: number, event: AuditEvent, owner: string): Promise<void> {
  await noteAudit(db, { at, event, owner });
}
