import { SCOPES } from "../../core/caller.ts";
import type { AuditEvent } from "../../users/audit-log.ts";
import { newUserId, type User } from "../../users/user.ts";
import type { NewUser, UserChange, UserStore } from "../../users/user-store.ts";
import { assignments, type Column, marks } from "../rows/job-rows.ts";
import { nameTaken, nobody, subjectTaken } from "../rows/refusals.ts";
import { capColumns, readUser } from "../rows/user-rows.ts";
import { close, isClosed, latestIssuer, noteIssuer, reopen } from "./closed-rows.ts";
import type { Connection } from "./connection.ts";
import { noteAudit } from "./sqlite-audit-log.ts";
import { StoreSecret } from "./store-secret.ts";

/** Users in the tables beside the jobs, in the same file. */
export class SqliteUserStore implements UserStore {
  readonly #db: Connection;
  readonly #secret: StoreSecret;

  constructor(db: Connection) {
    this.#db = db;
    this.#secret = new StoreSecret(db);
  }

  async add(user: NewUser): Promise<User> {
    const { name, scopes, caps, subject, tokenHash, expiresAt, now } = user;
    return this.#changing(() => {
      const [taken] = this.#all("name = ? AND revoked_at IS NULL", [name]);
      if (taken) throw nameTaken(name);
      close(this.#db, now);
      const unnamed = subject === undefined ? undefined : this.#unnamed(subject);
      const userId = unnamed?.userId ?? user.userId;
      if (!unnamed) this.#insert({ user_id: userId, scopes: "[]", created_at: now });
      this.#update(userId, {
        name,
        scopes: JSON.stringify(scopes),
        ...capColumns(caps),
        ...{ token_hash: tokenHash, token_made_at: now, expires_at: expiresAt },
      });
      if (subject !== undefined) this.#bind(userId, subject);
      this.#note(now, "user_added", userId);
      this.#note(now, "token_made", userId);
      return this.#require(userId);
    });
  }

  async change(userId: string, change: UserChange, now: number): Promise<User> {
    const { scopes, caps, subject, expiresAt } = change;
    return this.#changing(() => {
      this.#require(userId);
      const columns: Record<string, Column> = {
        ...(scopes ? { scopes: JSON.stringify(scopes) } : {}),
        ...(caps ? capColumns(caps) : {}),
        ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
      };
      if (Object.keys(columns).length > 0) this.#update(userId, columns);
      if (subject !== undefined) this.#bind(userId, subject);
      this.#note(now, "user_changed", userId);
      return this.#require(userId);
    });
  }

  async rotate(
    userId: string,
    { tokenHash, expiresAt }: { tokenHash: string; expiresAt: number },
    now: number,
  ): Promise<User> {
    return this.#changing(() => {
      this.#require(userId);
      const token = { token_hash: tokenHash, token_made_at: now, expires_at: expiresAt };
      this.#update(userId, token);
      this.#note(now, "token_rotated", userId);
      return this.#require(userId);
    });
  }

  async revoke(userId: string, now: number): Promise<User> {
    return this.#changing(() => {
      const user = this.#require(userId);
      this.#update(userId, { revoked_at: now });
      this.#note(now, "user_revoked", userId);
      return { ...user, revokedAt: now };
    });
  }

  async forget(userId: string, now: number): Promise<void> {
    this.#changing(() => {
      const [user] = this.#all("user_id = ? AND erased_at IS NULL", [userId]);
      if (!user) throw nobody(userId);
      if (user.revokedAt === undefined) this.#note(now, "user_revoked", userId);
      const { issuer, subject } = user;
      this.#update(userId, {
        ...{ name: null, subject: null, issuer: null, token_hash: null, erased_at: now },
        revoked_at: user.revokedAt ?? now,
        forgotten_subject: subject === undefined ? null : this.#digest(issuer, subject),
      });
      this.#note(now, "user_erased", userId);
    });
    this.#db.scrub();
  }

  async list(): Promise<User[]> {
    return this.#asking(() => this.#all("erased_at IS NULL ORDER BY created_at, rowid", []));
  }

  async erased(): Promise<string[]> {
    return this.#all("erased_at IS NOT NULL", []).map(({ userId }) => userId);
  }

  async get(userId: string): Promise<User | undefined> {
    return this.#asking(() => this.#all("user_id = ?", [userId])[0]);
  }

  async byTokenHash(hash: string): Promise<User | undefined> {
    return this.#asking(() => this.#all("token_hash = ?", [hash])[0]);
  }

  async bySubject(
    { issuer, subject }: { issuer: string; subject: string },
    now: number,
  ): Promise<User> {
    const known = this.#asking(() => this.#ofSubject(issuer, subject));
    if (known) return known;
    return this.#changing(() => {
      const others = this.#ofSubject(issuer, subject);
      if (others) return others;
      const userId = newUserId();
      const scopes = JSON.stringify(SCOPES);
      this.#insert({ user_id: userId, scopes, issuer, subject, created_at: now });
      this.#note(now, "subject_seen", userId);
      return this.#require(userId);
    });
  }

  async everExisted(): Promise<boolean> {
    return isClosed(this.#db);
  }

  async noteClosed(now: number): Promise<void> {
    this.#changing(() => close(this.#db, now));
  }

  async noteIssuer(issuer: string, now: number): Promise<void> {
    this.#changing(() => noteIssuer(this.#db, issuer, now));
  }

  async reopen(now: number, unmark: () => void): Promise<void> {
    this.#changing(() => reopen(this.#db, now, unmark));
  }

  /** What is read must be what others write: a deleted database has users whom nobody can revoke. */
  #asking<T>(read: () => T): T {
    this.#db.requireFiles();
    return read();
  }

  #changing<T>(work: () => T): T {
    this.#db.requireFiles();
    return this.#db.transaction(work);
  }

  #all(where: string, values: readonly Column[]): User[] {
    return this.#db.all(`SELECT * FROM users WHERE ${where}`, values).map(readUser);
  }

  /** Whoever it is bound to now; else whom it was revoked or erased with last. */
  #ofSubject(issuer: string, subject: string): User | undefined {
    const [known] = this.#all(
      `subject = ? AND issuer = ? ORDER BY revoked_at IS NOT NULL, revoked_at DESC LIMIT 1`,
      [subject, issuer],
    );
    if (known) return known;
    const digests = [issuer, undefined].map((one) => this.#digest(one, subject));
    return this.#all("forgotten_subject IN (?, ?) ORDER BY erased_at DESC LIMIT 1", digests)[0];
  }

  /** Who has logged in as a subject before anyone gave it a name: what is theirs stays theirs. */
  #unnamed(subject: string): User | undefined {
    const unnamed = "subject = ? AND issuer IS ? AND name IS NULL AND revoked_at IS NULL";
    return this.#all(unnamed, [subject, latestIssuer(this.#db)])[0];
  }

  #bind(userId: string, subject: string): void {
    const issuer = latestIssuer(this.#db);
    const [other] = this.#all(
      "subject = ? AND issuer IS ? AND revoked_at IS NULL AND user_id <> ?",
      [subject, issuer, userId],
    );
    if (other) throw subjectTaken(subject, other);
    this.#update(userId, { issuer, subject });
  }

  #require(userId: string): User {
    const [user] = this.#all("user_id = ? AND revoked_at IS NULL", [userId]);
    if (!user) throw nobody(userId);
    return user;
  }

  #insert(columns: Record<string, Column>): void {
    this.#db.run(
      `INSERT INTO users (${Object.keys(columns).join(", ")}) VALUES (${marks(Object.keys(columns))})`,
      Object.values(columns),
    );
  }

  #update(userId: string, columns: Record<string, Column>): void {
    this.#db.run(`UPDATE users SET ${assignments(columns)} WHERE user_id = ?`, [
      ...Object.values(columns),
      userId,
    ]);
  }

  #note(at: number, event: AuditEvent, owner: string): void {
    noteAudit(this.#db, { at, event, owner });
  }

  #digest(issuer: string | undefined, subject: string): string {
    return this.#secret.digest(JSON.stringify([issuer ?? null, subject]));
  }
}
