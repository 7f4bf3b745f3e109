import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import {
  AnswerLost,
  databaseFailure,
  isAnswerLost,
  isWorthAnotherTry,
} from "../../../src/storage/postgres/database-failures.ts";

const HERE = "db.example:5432/main";
/** As the driver has what a server answers. */
const answered = (code: string, message = "it says so") =>
  Object.assign(new Error(message), { code, severity: "ERROR" });
const broken = (code: string, message = "") => Object.assign(new Error(message), { code });

describe("what a database answers", () => {
  it.each([
    ["28P01", "configuration", "refuses the password"],
    ["28000", "configuration", "refuses the user"],
    ["3D000", "configuration", "does not exist"],
    ["42501", "configuration", "does not let this user"],
    ["42P07", "configuration", "has other tables where"],
    ["42703", "configuration", "has other tables where"],
    ["53300", "storage", "it says so"],
    ["57P03", "storage", "it says so"],
  ])("%s is a failure of kind %s", (code, kind, words) => {
    const failure = databaseFailure(HERE, answered(code));
    expect(failure.code).toBe(kind);
    expect(failure.message).toContain(HERE);
    expect(failure.message).toContain(words);
  });

  it.each(["28P01", "3D000", "42501", "DEPTH_ZERO_SELF_SIGNED_CERT"])(
    "%s is no setting that was wrong from the beginning, where it has worked before",
    (code) => {
      const error = code.length === 5 ? answered(code) : broken(code);
      expect(databaseFailure(HERE, error).code).toBe("configuration");
      expect(databaseFailure(HERE, error, true).code).toBe("storage");
    },
  );

  it("is tried again where another transaction was in the way", () => {
    expect(["40001", "40P01", "23505"].map((code) => isWorthAnotherTry(answered(code)))).toEqual([
      ...[true, true, false],
    ]);
    expect(isWorthAnotherTry(broken("40001"))).toBe(false);
  });

  it("leaves no doubt about a commit, unless it ends as it answers", () => {
    expect(isAnswerLost(answered("23505"))).toBe(false);
    expect(isAnswerLost(answered("57P01"))).toBe(true);
    expect(isAnswerLost(broken("ECONNRESET"))).toBe(true);
  });
});

describe("a failure on the way", () => {
  it("is told by its words, or by its code where it has none", () => {
    expect(databaseFailure(HERE, broken("ECONNREFUSED")).message).toContain("ECONNREFUSED");
    const both = new AggregateError([broken("ECONNREFUSED", "connect refused"), broken("X")]);
    expect(databaseFailure(HERE, both).message).toContain("connect refused");
    expect(databaseFailure(HERE, "what?").message).toContain("no reason was given");
  });

  it("of the program's own stays what it is", () => {
    const own = new AppError("over_budget", "Too much.");
    expect(databaseFailure(HERE, own)).toBe(own);
  });

  it("says what to do where nobody knows what was recorded", () => {
    const lost = new AnswerLost(HERE, "it did not answer in time");
    expect(lost.code).toBe("storage");
    expect(lost.message).toContain("did not say whether it has recorded this");
    expect(lost.next).toContain("Make the same call again");
    expect(databaseFailure(HERE, lost).message).toContain("cannot be used");
  });
});
