import { expect, it } from 'vitest';
import { functionSignature } from './signatures.ts';

it.each([
  ['rate', { args: ['matrix'], returns: 'vector' }],
  ['histogram_quantile', undefined],
  ['constructor', undefined],
])('%s', (name, signature) => expect(functionSignature(name)).toEqual(signature));
