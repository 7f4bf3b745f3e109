import { AppError } from "../../core/errors.ts";
import { oneLine } from "../../core/text.ts";

/** Whether a transaction was committed is not known: its answer was lost. */
export class AnswerLost extends AppError {
  constructor(shown: string, reason: string, cause?: unknown) {
    super("storage", `The database ${shown} did not say whether it has recorded this: ${reason}.`, {
      cause,
      next: "Make the same call again: what was recorded is found, and nothing is bought twice.",
    });
  }
}

/** What is wrong with how the database is set: nothing is gained by trying again. */
const SETTINGS: Readonly<Record<string, string>> = {
  "28P01": "refuses the password",
  "28000": "refuses the user",
  "3D000": "does not exist",
  "42501": "does not let this user create or use its tables",
  "42P07": "has other tables where this program's are to be",
  "42703": "has other tables where this program's are to be",
};
/** Why a connection that is to be encrypted is not made, as OpenSSL and Node have it. */
const CERTIFICATE = /CERT|ISSUER|SIGNATURE|INVALID_CA|INVALID_PURPOSE/;
const OTHER_NAME = /ALTNAME|HOSTNAME_MISMATCH/;
/** What the other side says of ours. */
const OWN_CERTIFICATE = /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE|UNSUPPORTED_CERTIFICATE)/;
/** Of these the whole transaction is tried again. */
const AGAIN = new Set(["40001", "40P01"]);

/** The number of an answer of the server's that is a refusal. */
export function sqlStateOf(error: unknown): string | undefined {
  // What only its answers have; the driver's name of the class does not outlive the bundler.
  if (!(error instanceof Error) || !("severity" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

export function isWorthAnotherTry(error: unknown): boolean {
  return AGAIN.has(sqlStateOf(error) ?? "");
}

/** Whether nobody can say what has become of a commit that ended so. */
export function isAnswerLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === undefined || state.startsWith("57P");
}

/**
 * What went wrong, for a person: without the statement, its values and the address's password.
 * {configuration} for a setting that is wrong, else {storage}.
 * @param hasWorked the settings were right once: what has become of them may be put right, and what
 *   must be recorded waits for that.
 */
export function databaseFailure(shown: string, error: unknown, hasWorked = false): AppError {
  if (error instanceof AppError && !(error instanceof AnswerLost)) return error;
  const setting = hasWorked ? undefined : wrongSetting(error);
  if (setting !== undefined) {
    return new AppError("configuration", `The database ${shown} ${setting}.`, {
      next: "Correct LONGCAT_MCP_DATABASE_URL. Nothing was bought.",
    });
  }
  return new AppError("storage", `The database ${shown} cannot be used: ${reasonOf(error)}.`, {
    cause: error,
    next: "Call again once it is back; nothing was bought.",
  });
}

function wrongSetting(error: unknown): string | undefined {
  const refused = SETTINGS[sqlStateOf(error) ?? ""];
  if (refused !== undefined || sqlStateOf(error) !== undefined) return refused;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (OWN_CERTIFICATE.test(code)) {
    return `does not take the certificate of this program, or wants one (${oneLine(code, 60)}): sslcert and sslkey name its files`;
  }
  if (OTHER_NAME.test(code)) {
    return "has a certificate for another name: call it by the name that stands in its certificate, or take sslmode=verify-ca, which compares no name";
  }
  if (!CERTIFICATE.test(code)) return undefined;
  return `has a certificate that is not trusted (${oneLine(code, 60)}): sslrootcert names the file of who vouches for it`;
}

/** What went wrong, as the end of a sentence. */
export function reasonOf(error: unknown): string {
  if (error instanceof AnswerLost) return "it did not answer in time";
  const first = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error)) return "no reason was given";
  if (first.message !== "") return oneLine(first.message, 200);
  return "code" in first ? oneLine(String(first.code), 60) : first.name;
}
