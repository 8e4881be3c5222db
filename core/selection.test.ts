import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isExcluded, isSelected } from './selection.ts';

const disk = { cluster: 'c', node: 'n1', mount: '/var/lib/kubelet/pods/x' };

describe('whereNot', () => {
  it.each([
    ['nothing', {}, false],
    ['one label', { mount: ['/var/lib/kubelet/*'] }, true],
    ['any of its globs', { mount: ['/boot', '/var/*'] }, true],
    ['any of its labels, though the other differs', { mount: ['/var/*'], node: ['n2'] }, true],
    ['none of its labels', { mount: ['/boot'], node: ['n2'] }, false],
    ['a part of a value', { mount: ['/var'] }, false],
    ['a label that is missing', { device: ['*'] }, false],
  ])('by %s', (_, whereNot, excluded) => {
    expect(isExcluded(whereNot, disk)).toBe(excluded);
    expect(isSelected({ whereNot }, disk)).toBe(!excluded);
    expect(isSelected({ where: { cluster: ['other'] }, whereNot }, disk)).toBe(false);
  });

  it('leaves out what each of its labels would by itself (property)', () => {
    const value = fc.constantFrom('a', 'b', 'ab', '');
    const globs = fc.dictionary(
      fc.constantFrom('x', 'y', 'z'),
      fc.array(fc.constantFrom('a', '?b', '*', 'b*'), { minLength: 1, maxLength: 2 }),
    );
    fc.assert(
      fc.property(globs, fc.dictionary(fc.constantFrom('x', 'y', 'z'), value), (whereNot, labels) => {
        const alone = Object.entries(whereNot).map(([label, some]) =>
          isSelected({ whereNot: { [label]: some } }, labels),
        );
        expect(isSelected({ whereNot }, labels)).toBe(alone.every(Boolean));
        for (const [label, some] of Object.entries(whereNot))
          expect(isSelected({ whereNot: { [label]: some } }, labels)).toBe(
            !isSelected({ where: { [label]: some } }, labels),
          );
      }),
    );
  });
});
