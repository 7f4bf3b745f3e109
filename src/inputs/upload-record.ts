import type { UploadType } from "./upload-type.ts";

/** That an owner may send one file to an address that nobody can guess. */
export interface Invitation {
  uploadId: string;
  owner: string;
  /** Of the secret in its address, which is kept nowhere. */
  secretHash: string;
  /** What the file is called, if that was told. */
  filename: string | undefined;
  /** Milliseconds since 1970, as all times here. */
  createdAt: number;
  /** Until when it can be used. */
  endsAt: number;
}

/** A file that was received, whole. */
export interface ReceivedFile extends UploadType {
  /** What it is called in the folder of uploads. */
  file: string;
  sizeBytes: number;
  sha256: string;
  receivedAt: number;
  keptUntil: number;
}

export interface Upload extends Invitation {
  received: ReceivedFile | undefined;
}

/** What came of a file: `used` by an earlier one, `gone` with its invitation, `full` its owner's room. */
export type Reception = "received" | "used" | "gone" | "full";

/** What is uploaded, and may be. All methods throw {storage} when the record cannot be used. */
export interface UploadRecord {
  /** @returns whether it was added: not, where the owner has so many that are unused. */
  invite(invitation: Invitation, maxUnused: number): Promise<boolean>;
  bySecret(secretHash: string): Promise<Upload | undefined>;
  get(owner: string, uploadId: string): Promise<Upload | undefined>;
  /**
   * Notes a file, of several the first one.
   * @param mostBytes how many of its owner may be kept with it, however many come at a time.
   */
  receive(uploadId: string, received: ReceivedFile, mostBytes?: number): Promise<Reception>;
  /** What an owner has uploaded, the oldest first. */
  received(owner: string): Promise<(Upload & { received: ReceivedFile })[]>;
  /** How many bytes are kept of an owner. */
  usedBytes(owner: string): Promise<number>;
  /** Forgets invitations and files whose time is over. */
  forgetEnded(now: number): Promise<void>;
  /** Forgets all of an owner. @returns its files. */
  forgetAll(owner: string): Promise<string[]>;
  /** The files that are kept. */
  files(): Promise<string[]>;
}
