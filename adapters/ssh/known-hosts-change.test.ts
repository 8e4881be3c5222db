import { expect, it } from 'vitest';
import { hash } from '../../test/openssh/known-hosts-lines.ts';
import { parseHostKey } from './host-keys.ts';
import { withLearnedKeys } from './known-hosts-change.ts';
import { namesOfNode } from './known-hosts-names.ts';

const OLD = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH1QEaabql8lWbk+yc5xS0bcTXUsiYMxCtvMtKoJx+np';
const NEW = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID61EgCu2OWOuPUVkoy5dpdtnSKM2JvRatb3XK8cAi3k';
const node = namesOfNode({ host: '10.0.0.5', port: 22, bastion: 'seoul' });

const learn = (text: string, sharesPlainName: boolean) =>
  withLearnedKeys(text, [{ names: node, key: parseHostKey(NEW), sharesPlainName }]).replace(
    `10.0.0.5%seoul ${NEW}\n`,
    '',
  );

it.each<[string, string, string]>([
  ['a hash of its name', `${hash('10.0.0.5%seoul')} ${OLD}\n`, ''],
  ['a hash of the host', `${hash('10.0.0.5')} ${OLD}\n`, ''],
  ['a hash of another', `${hash('10.0.0.6')} ${OLD}\n`, `${hash('10.0.0.6')} ${OLD}\n`],
  ['a list', `10.0.0.6,10.0.0.5 ${OLD}\n`, `10.0.0.6 ${OLD}\n`],
  ['a list of both names', `10.0.0.5%seoul,10.0.0.5 ${OLD}\n`, ''],
  ['a list with names that are denied', `10.0.0.5,!10.0.0.6 ${OLD}\n`, ''],
  ['a pattern', `10.0.* ${OLD}\n`, `10.0.*,!10.0.0.5%seoul,!10.0.0.5 ${OLD}\n`],
  ['a pattern that matches one of its names', `*%seoul ${OLD}\n`, `*%seoul,!10.0.0.5%seoul ${OLD}\n`],
  ['a pattern that denies its names already', `10.*,!10.0.0.5* ${OLD}\n`, `10.*,!10.0.0.5* ${OLD}\n`],
  ['patterns', `10.0.*,10.1.* ${OLD}\n`, `10.0.*,10.1.*,!10.0.0.5%seoul,!10.0.0.5 ${OLD}\n`],
  ['a pattern beside a name', `10.0.*,a ${OLD}\n`, `10.0.*,a,!10.0.0.5%seoul,!10.0.0.5 ${OLD}\n`],
  ['a list with nothing behind its comma', `10.0.0.5, ${OLD}\n`, ''],
  ['a pattern of others', `10.1.* ${OLD}\n`, `10.1.* ${OLD}\n`],
  ['a pattern that only denies', `10.0.0.5,!10.9.* ${OLD}\n`, ''],
])('a learned key replaces what is known by %s', (_what, before, after) => {
  expect(learn(before, false)).toBe(after);
});

it.each<[string, string, string]>([
  ['its line', `10.0.0.5%seoul ${OLD}\n10.0.0.5 ${OLD}\n`, `10.0.0.5 ${OLD}\n`],
  ['hashes', `${hash('10.0.0.5%seoul')} ${OLD}\n`, ''],
  [
    'patterns',
    `*%seoul ${OLD}\n10.0.0.* ${OLD}\n`,
    `*%seoul,!10.0.0.5%seoul ${OLD}\n10.0.0.*,!10.0.0.5%seoul ${OLD}\n`,
  ],
])('where another host has its address, that keeps what is known of it: %s', (_what, before, after) => {
  expect(learn(before, true)).toBe(after);
});

it('several keys are learned at once, each under its name', () => {
  const names = ['a', 'b'].map((plain) => ({ plain }));
  const key = parseHostKey(NEW);
  const learned = names.map((each) => ({ names: each, key, sharesPlainName: false }));
  expect(withLearnedKeys(`a,b,c ${OLD}`, learned)).toBe(`c ${OLD}\na ${NEW}\nb ${NEW}\n`);
});
