// What was probably meant by a value that is written in another way than the configuration wants it.

const DURATION_NAMES: readonly (readonly [RegExp, number])[] = [
  [/^w(eeks?)?$/i, 7 * 86_400_000],
  [/^d(ays?)?$/i, 86_400_000],
  [/^h(rs?|ours?)?$/i, 3_600_000],
  [/^m(ins?|inutes?)?$/i, 60_000],
  [/^s(ecs?|econds?)?$/i, 1_000],
  [/^(ms|msecs?|millis|milliseconds?)$/i, 1],
];

/** Milliseconds of `7 days`, `10min`, `5M`, `1.5h`, `1h 30m`, `2w`; undefined where no unit is to be seen. */
export function likelyDurationMs(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d{1,9}(?:[.,]\d{1,6})?)\s*([a-z]+)\s*/gi)];
  const whole = parts.map(([part]) => part).join('');
  if (parts.length === 0 || whole !== text.trim()) return undefined;
  let ms = 0;
  for (const [, count = '', name = ''] of parts) {
    const size = DURATION_NAMES.find(([names]) => names.test(name))?.[1];
    if (size === undefined) return undefined;
    ms += Number(count.replace(',', '.')) * size;
  }
  return Math.round(ms);
}

const SIZE = /^(\d{1,15}(?:\.\d{1,6})?)\s*(?:bytes?|([kmgt])?(?:i?b)?)$/i;
const SIZE_STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `64KB`, `512 MiB`, `1.5g`, `1048576` as a size is written. */
export function likelyByteSize(text: string): string | undefined {
  const [, count, letter = ''] = SIZE.exec(text.trim()) ?? [];
  if (count === undefined) return undefined;
  let step = ' kmgt'.indexOf(letter.toLowerCase() || ' ');
  let value = Number(count);
  for (; !Number.isInteger(value) && step > 0; step--) value *= 1024;
  value = Math.round(value);
  for (; step < SIZE_STEPS.length - 1 && value !== 0 && value % 1024 === 0; step++) value /= 1024;
  return `${value}${SIZE_STEPS[step]}`;
}

/** How a number is to be written that was written as a text: `"90"`, `90%`, `1,000`, `2GiB`, `5m`. */
export function likelyNumber(text: string): string | undefined {
  const plain = text.trim();
  if (/^[-+]?\d+(\.\d+)?$/.test(plain)) return `leave out the quotes: \`${plain.replace('+', '')}\``;
  const [, percent] = /^([-+]?\d+(?:[.,]\d+)?)\s*%$/.exec(plain) ?? [];
  if (percent !== undefined) return `leave out the \`%\`: \`${percent.replace(',', '.')}\``;
  if (/^-?\d{1,3}([,_ ]\d{3})+$/.test(plain)) return `write \`${plain.replace(/[,_ ]/g, '')}\``;
  if (/^-?\d+,\d+$/.test(plain)) return `write \`${plain.replace(',', '.')}\``;
  const ms = likelyDurationMs(plain);
  if (ms !== undefined && ms % 1_000 === 0) return `write seconds, without a unit: \`${ms / 1_000}\``;
  const [, count, unit] = /^(\d+)(B|KiB|MiB|GiB|TiB)$/.exec(likelyByteSize(plain) ?? '') ?? [];
  if (count === undefined) return undefined;
  const bytes = Number(count) * 1024 ** SIZE_STEPS.indexOf(unit as (typeof SIZE_STEPS)[number]);
  return `write bytes, without a unit: \`${bytes}\``;
}
