import { AppError } from "../../core/errors.ts";
import { oneLine } from "../../core/text.ts";
import type { User } from "../../users/user.ts";

const UNCHANGED = "Nothing was changed.";

export function nobody(userId: string): AppError {
  return new AppError("not_found", `There is no user ${oneLine(userId, 60)}, or not any more.`, {
    next: "`longcat-mcp users list` shows who there is.",
  });
}

export function nameTaken(name: string): AppError {
  return new AppError("invalid_input", `There is a user named ${oneLine(name, 80)} already.`, {
    next: `Another token for the same user: \`longcat-mcp users rotate ${name}\`. ${UNCHANGED}`,
  });
}

export function subjectTaken(subject: string, { name, userId }: User): AppError {
  return new AppError(
    "invalid_input",
    `The subject ${oneLine(subject, 80)} is ${name ?? userId} already.`,
    {
      next: `Revoke that one first (\`longcat-mcp users revoke ${name ?? userId}\`). ${UNCHANGED}`,
    },
  );
}

/** Why the service is not opened while so many users are not revoked. */
export function usersLeft(n: number): AppError {
  return new AppError(
    "invalid_input",
    `There ${n === 1 ? "is 1 user who is" : `are ${n} users who are`} not revoked, so calls over HTTP need a token.`,
    {
      next: "Revoke or erase them first (`longcat-mcp users list`). Nothing was changed.",
    },
  );
}

export function refusalOfRevoked(): AppError {
  return new AppError("forbidden", "Whoever this is for was revoked meanwhile.", {
    next: "Nothing was sent.",
  });
}

export function noJob(jobId: string): AppError {
  return new AppError("not_found", `There is no job ${oneLine(jobId)}.`);
}

export function noRequest(requestId: string): AppError {
  return new AppError("not_found", `There is no request \`${oneLine(requestId)}\`.`);
}

export function noThread(threadId: string): AppError {
  return new AppError("not_found", `There is no thread \`${oneLine(threadId)}\`.`);
}
