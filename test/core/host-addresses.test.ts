import { describe, expect, it } from "vitest";
import { isLocalHost } from "../../src/core/host-addresses.ts";

const hostOf = (address: string) => new URL(address).hostname;

describe("hosts that only this machine or its network sees", () => {
  it.each([
    "http://localhost/a.png",
    "http://LOCALHOST:8080/a.png",
    "http://localhost./a.png",
    "http://a.localhost/a.png",
    "http://127.0.0.1/a.png",
    "http://127.1/a.png",
    "http://2130706433/a.png",
    "http://0x7f000001/a.png",
    "http://0177.0.0.1/a.png",
    "http://0.0.0.0/a.png",
    "http://[::1]/a.png",
    "http://[::ffff:127.0.0.1]/a.png",
    "http://[::ffff:10.0.0.1]/a.png",
    "http://[fe80::1]/a.png",
    "http://[fc00::1]/a.png",
    "http://10.1.2.3/a.png",
    "http://172.20.0.1/a.png",
    "http://192.168.0.1./a.png",
    "http://169.254.169.254/latest",
    "https://nas/a.png",
    "https://nas./a.png",
    "https://nas.local/a.png",
    "https://NAS.Local./a.png",
    "https://metadata.google.internal/a.png",
    "https://router.home.arpa/a.png",
    "https://files.lan/a.png",
  ])("%s", (address) => {
    expect(isLocalHost(hostOf(address))).toBe(true);
  });
});

describe("hosts that may be anyone's", () => {
  it.each([
    "https://example.com/a.png",
    "https://example.com./a.png",
    "https://localhost.example.com/a.png",
    "https://local.example.org/a.png",
    "https://notlocal.com/a.png",
    "https://8.8.8.8/a.png",
    "https://[2606:4700::1111]/a.png",
    "https://xn--bcher-kva.example.net/a.png",
  ])("%s", (address) => {
    expect(isLocalHost(hostOf(address))).toBe(false);
  });
});
