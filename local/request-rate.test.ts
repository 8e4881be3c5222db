import { expect, it } from 'vitest';
import { createRequestRate } from './request-rate.ts';

let now = 0;
const rate = () => createRequestRate({ perSecond: 10, burst: 3 }, () => now);
const asked = (mayAsk: (address: string) => boolean, address: string, times: number) =>
  Array.from({ length: times }, () => mayAsk(address)).filter(Boolean).length;

it('admits a burst, then the rate, and counts nothing that it refuses', () => {
  const mayAsk = rate();
  expect(asked(mayAsk, '10.0.0.1', 100)).toBe(3);
  now += 250;
  expect(asked(mayAsk, '10.0.0.1', 100)).toBe(2);
  now += 60_000;
  expect(asked(mayAsk, '10.0.0.1', 100)).toBe(3);
});

it('keeps addresses apart, but not those of one network of IPv6', () => {
  const mayAsk = rate();
  expect(asked(mayAsk, '10.0.0.1', 9)).toBe(3);
  expect(asked(mayAsk, '10.0.0.2', 9)).toBe(3);
  expect(asked(mayAsk, '2001:db8:1:2:a:b:c:1', 9)).toBe(3);
  expect(asked(mayAsk, '2001:db8:1:2:ffff:b:c:2', 9)).toBe(0);
  expect(asked(mayAsk, '::ffff:10.0.0.3', 9)).toBe(3);
  expect(asked(mayAsk, '::ffff:10.0.0.4', 9)).toBe(3);
});

it('forgets the addresses that asked last longest ago', () => {
  const mayAsk = rate();
  asked(mayAsk, '10.0.0.1', 9);
  for (let i = 0; i < 5_000; i++) mayAsk(`10.1.${i >> 8}.${i & 255}`);
  expect(asked(mayAsk, '10.0.0.1', 9)).toBe(3);
  expect(asked(mayAsk, '10.1.19.135', 9)).toBe(2);
});
