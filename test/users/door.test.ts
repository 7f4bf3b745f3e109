import { beforeEach, describe, expect, it, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { Door } from "../../src/users/door.ts";

let isRecorded: boolean;
let isRecordGone: boolean;
let isMarked: boolean;
let isFolderGone: boolean;

const gone = () => new AppError("storage", "It is gone.");
const users = {
  async everExisted() {
    if (isRecordGone) throw gone();
    return isRecorded;
  },
  async noteIssuer() {
    if (isRecordGone) throw gone();
    isRecorded = true;
  },
  async noteClosed() {
    if (isRecordGone) throw gone();
    isRecorded = true;
  },
  async reopen(_now: number, unmark: () => void) {
    if (isRecordGone) throw gone();
    unmark();
    isRecorded = false;
  },
};
const marker = {
  isSet: () => isMarked && !isFolderGone,
  set() {
    if (isFolderGone) throw gone();
    isMarked = true;
  },
  clear() {
    if (isFolderGone) throw gone();
    isMarked = false;
  },
};
const newDoor = () => new Door(users, marker);

beforeEach(() => {
  isRecorded = false;
  isRecordGone = false;
  isMarked = false;
  isFolderGone = false;
});

describe("the door", () => {
  it("does not ask the record where the mark says that it is closed", async () => {
    isMarked = true;
    const asked = vi.spyOn(users, "everExisted");
    const door = newDoor();
    expect(await door.isClosed()).toBe(true);
    expect(asked).not.toHaveBeenCalled();
    isMarked = false;
    expect(await door.isClosed()).toBe(false);
    expect(asked).toHaveBeenCalledTimes(1);
    asked.mockRestore();
  });

  it("is open where there have never been users, also once the record is gone", async () => {
    const door = newDoor();
    expect(await door.isClosed()).toBe(false);
    isRecordGone = true;
    expect(await door.isClosed()).toBe(false);
  });

  it("is closed by what is recorded, and marks it again if somebody removed the mark", async () => {
    isRecorded = true;
    expect(await newDoor().isClosed()).toBe(true);
    expect(isMarked).toBe(true);
  });

  it("is closed by the mark alone: after a start without the record, or with another one", async () => {
    isMarked = true;
    expect(await newDoor().isClosed()).toBe(true);
    isRecordGone = true;
    expect(await newDoor().isClosed()).toBe(true);
  });

  it("that was closed stays so in a process that has lost record and folder", async () => {
    isRecorded = true;
    const door = newDoor();
    expect(await door.isClosed()).toBe(true);
    isFolderGone = true;
    isRecordGone = true;
    expect(await door.isClosed()).toBe(true);
  });

  it("that another process has closed is closed here at once", async () => {
    const door = newDoor();
    expect(await door.isClosed()).toBe(false);
    isMarked = true;
    expect(await door.isClosed()).toBe(true);
  });

  it("is closed before anything is recorded, and nothing is if it cannot be", async () => {
    isFolderGone = true;
    const door = newDoor();
    await expect(door.closeFor("https://login.example", 1)).rejects.toMatchObject({
      code: "storage",
    });
    expect([isRecorded, isMarked]).toEqual([false, false]);
    isFolderGone = false;
    await door.closeFor("https://login.example", 1);
    expect([isRecorded, isMarked]).toEqual([true, true]);
    expect(await newDoor().isClosed()).toBe(true);
  });

  it("is recorded as closed at the next start, where only the mark says so", async () => {
    await newDoor().remember(1);
    expect(isRecorded).toBe(false);
    isMarked = true;
    await newDoor().remember(1);
    isMarked = false;
    expect(await newDoor().isClosed()).toBe(true);
  });

  it("is opened on purpose, here and in other processes", async () => {
    const [door, other] = [newDoor(), newDoor()];
    door.close();
    isRecorded = true;
    expect(await other.isClosed()).toBe(true);
    await door.reopen(1);
    expect([await door.isClosed(), await other.isClosed()]).toEqual([false, false]);
  });
});
