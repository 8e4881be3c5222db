import { expect, it } from 'vitest';
import type { Unit } from './catalogue.ts';
import { ratioUnit } from './ratio-unit.ts';

it.each<[Unit, Unit, Unit, number]>([
  ['bytes', 'bytes', 'percent', 100],
  ['percent', 'percent', 'percent', 100],
  ['count', 'count', 'percent', 100],
  ['bytes', 'count', 'bytes', 1],
  ['seconds', 'ratio', 'seconds', 1],
  ['bytes', 'seconds', 'bytes_per_second', 1],
  ['bytes', 'bytes_per_second', 'seconds', 1],
  ['count', 'seconds', 'ratio', 1],
  ['seconds', 'bytes', 'ratio', 1],
])('%s over %s is %s', (of, over, unit, factor) => expect(ratioUnit(of, over)).toEqual({ unit, factor }));
