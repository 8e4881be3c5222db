import { expect, it } from 'vitest';
import { functionType } from './functions.ts';

it.each([
  ['rate', { args: ['matrix'], returns: 'vector' }],
  ['histogram_quantile', undefined],
  ['constructor', undefined],
])('%s', (name, type) => expect(functionType(name)).toEqual(type));
