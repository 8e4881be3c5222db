import { describe, expect, it } from 'vitest';
import { CHART_THEMES } from '../../core/model/chart-theme.ts';
import { THEMES } from './theme.ts';

type Triple = [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/** Severity 1.0: https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/CVD_Simulation.html (Machado 2009). */
const VISIONS: Record<string, Matrix> = {
  trichromat: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanope: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranope: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanope: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
const TO_XYZ: Matrix = [
  [0.4124, 0.3576, 0.1805],
  [0.2126, 0.7152, 0.0722],
  [0.0193, 0.1192, 0.9505],
];

const times = (matrix: Matrix, v: Triple) =>
  matrix.map(([a, b, c]) => Math.min(1.1, Math.max(0, a * v[0] + b * v[1] + c * v[2]))) as Triple;

function linear(hex: string): Triple {
  return [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Triple;
}

function lab(rgb: Triple): Triple {
  const [x, y, z] = times(TO_XYZ, rgb);
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const [fx, fy, fz] = [f(x / 0.95047), f(y), f(z / 1.08883)];
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

const difference = (a: string, b: string, vision: Matrix) => {
  const [p, q] = [lab(times(vision, linear(a))), lab(times(vision, linear(b)))];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
};
const luminance = (hex: string) => times(TO_XYZ, linear(hex))[1];
const pairs = (colors: readonly string[]) =>
  colors.flatMap((a, i) => colors.slice(i + 1).map((b): [string, string] => [a, b]));

describe.each(CHART_THEMES)('%s', (name) => {
  const { breaching, neighbours, background, text, dim, firing, resolved } = THEMES[name];

  it.each(Object.entries(VISIONS))('a %s tells lines of one kind apart', (_, vision) => {
    // Two patches side by side differ plainly from about 10 on (CIE 1976).
    for (const [a, b] of [...pairs(breaching), ...pairs(neighbours)]) {
      expect([a, b, difference(a, b, vision) > 10]).toEqual([a, b, true]);
    }
  });

  /** https://www.w3.org/TR/WCAG22/#contrast-minimum: 4.5 for text. */
  it.each([text, dim, firing, resolved, ...breaching, ...neighbours])('%s stands out', (color) => {
    const [less = 0, more = 0] = [luminance(color), luminance(background)].sort((a, b) => a - b);
    expect((more + 0.05) / (less + 0.05)).toBeGreaterThan(4.5);
  });
});
