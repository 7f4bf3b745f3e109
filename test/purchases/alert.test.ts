import { describe, expect, it } from "vitest";
import { HOUR_MS } from "../../src/core/clock.ts";
import { Alert } from "../../src/purchases/alert.ts";
import { WebhookTrust } from "../../src/purchases/webhook-trust.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("an alert", () => {
  it("has somebody look at once, after 2 s and after 5 s", async () => {
    const clock = new FakeClock();
    const alert = new Alert(clock, 1);
    expect(alert.look()).toBe(false);
    expect(alert.ring()).toBe(0);
    expect(alert.look()).toBe(true);
    expect(alert.next()).toBe(2_000);
    await clock.advance(2_000);
    expect(alert.look()).toBe(true);
    expect(alert.next()).toBe(3_000);
    await clock.advance(3_000);
    expect(alert.look()).toBe(true);
    expect(alert.next()).toBeUndefined();
    expect(alert.look()).toBe(false);
  });

  it("that is repeated waits until two seconds after the look before, and asks once", async () => {
    const clock = new FakeClock();
    const alert = new Alert(clock, 1);
    alert.ring();
    alert.look();
    await clock.advance(500);
    expect(alert.ring()).toBe(1_500);
    for (let n = 0; n < 1_000; n++) expect(alert.ring()).toBeUndefined();
    expect(alert.next()).toBe(1_500);
    await clock.advance(1_500);
    expect(alert.look()).toBe(true);
  });

  it("waits as long as the provider wishes", () => {
    expect(new Alert(new FakeClock(), 1).ring(30_000)).toBe(30_000);
  });

  it("is on while a look is to come that it asks for", async () => {
    const clock = new FakeClock();
    const alert = new Alert(clock, 1);
    expect(alert.isOn).toBe(false);
    alert.ring();
    expect(alert.isOn).toBe(true);
    for (const further of [true, true, false]) {
      alert.look();
      expect(alert.isOn).toBe(false);
      await clock.advance(alert.next() ?? 0);
      expect(alert.isOn).toBe(further);
    }
  });

  it("is fresh for a minute", async () => {
    const clock = new FakeClock();
    const alert = new Alert(clock, 1);
    expect(alert.isFresh).toBe(false);
    alert.ring();
    alert.look();
    await clock.advance(59_999);
    expect(alert.isFresh).toBe(true);
    await clock.advance(1);
    expect(alert.isFresh).toBe(false);
  });
});

describe("webhooks are relied on", () => {
  it("after three that led to an end within an hour, until an end that none told of", async () => {
    const clock = new FakeClock();
    const trust = new WebhookTrust(clock);
    trust.told();
    trust.told();
    await clock.advance(HOUR_MS + 1);
    trust.told();
    expect(trust.isEarned).toBe(false);
    trust.told();
    trust.told();
    expect(trust.isEarned).toBe(true);
    await clock.advance(10 * HOUR_MS);
    expect(trust.isEarned).toBe(true);
    expect(trust.missed()).toBe(true);
    expect(trust.isEarned).toBe(false);
    expect(trust.missed()).toBe(false);
    trust.told();
    trust.told();
    expect(trust.isEarned).toBe(false);
  });
});
