import { describe, expect, it } from 'vitest';
import { configText, problemsOf } from '../../test/config-cases.ts';
import { scaledMs } from '../../test/machine-speed.ts';
import { cutExcerpt } from './excerpt.ts';

/** The line that is shown with a problem, and what is underlined below it. */
function excerptOf(text: string, message: RegExp): string {
  const found = problemsOf(text).find((problem) => message.test(problem.message))?.excerpt;
  if (!found) return '';
  const { text: line, start, length } = found;
  return `${line}\n${' '.repeat(start)}${'^'.repeat(length)}`;
}

const channel = (fields: string) => configText({ channels: `channels:\n  - ${fields}\n` });

describe('the line shown with a problem', () => {
  it.each([
    [
      'shows keys and values',
      configText({ routes: 'routes: [{ name: r, chanels: [ops] }]\n' }),
      /unknown key/,
      'routes: [{ name: r, chanels: [ops] }]\n                    ^^^^^^^',
    ],
    [
      'shows nothing of secrets but where they are, not even their punctuation',
      channel(
        '{ name: ops, type: webhook, url: "http://a:b@c/?d", secret: "x,y:{z}", headers: { A: "Basic -" } }',
      ),
      /secret/,
      '- { name: ops, type: webhook, url: …, secret: …, headers: { A: … } }\n                                              ^',
    ],
    [
      'shows references',
      channel(`{ name: ops, type: webhook, url: "https://x/\${env:TOKEN}?a", picture: uri }`),
      /uri/,
      `- { name: ops, type: webhook, url: …\${env:TOKEN}…, picture: uri }\n                                                            ^^^`,
    ],
    [
      'shows no value under a key that is unknown',
      channel('{ name: ops, type: webhook, url: x, token: abc, picture: uri }'),
      /uri/,
      '- { name: ops, type: webhook, url: …, token: …, picture: uri }\n                                                         ^^^',
    ],
    [
      'shows no value that an alias elsewhere makes a secret',
      configText({
        bastions:
          'bastions:\n  - { name: seoul, host: a b, user: &user hunter2, privateKey: "${env:KEY}" }\n',
        channels: 'channels:\n  - { name: ops, type: webhook, url: x, headers: { A: *user } }\n',
      }),
      /host name/,
      `- { name: seoul, host: a b, user: …, privateKey: "\${env:KEY}" }\n                       ^^^`,
    ],
    [
      'shows no comment',
      configText({ schedule: 'schedule: { timeZone: Asia/Soul } # was hunter2\n' }),
      /time zone/,
      'schedule: { timeZone: Asia/Soul } …\n                      ^^^^^^^^^',
    ],
    [
      'shows of what is not YAML only words that are our own',
      channel('{ name: ops, type: webhook, url: "https://hunter2, secret: hunter2 }'),
      /closing quote/,
      '- { name: …, type: webhook, url: "…:…, secret: … }\n                                                 ^',
    ],
    [
      'is cut around the place when it is long',
      configText({
        clusters: `clusters: [{ name: a, bastion: seoul, nodes: [${'{ name: a, role: etcd, host: h },'.repeat(4)} { name: b, role: etc, host: i }] }]\n`,
      }),
      /etc`/,
      '… role: etcd, host: h }, { name: b, role: etc, host: i }] }]\n                                          ^^^',
    ],
    [
      'shows nothing of a secret that is longer than what is read of the line',
      channel(`{ name: ops, type: webhook, url: x, secret: "${'hunter2 '.repeat(200)}", picture: uri }`),
      /uri/,
      '…, picture: uri }\n            ^^^',
    ],
    [
      'underlines of a long value what is read of it',
      configText({ schedule: `schedule: { timeZone: ${'Asia/Soul'.repeat(200)}, jitter: 1s }\n` }),
      /time zone/,
      `schedule: { timeZone: ${'Asia/Soul'.repeat(10).slice(0, 88)} …\n${' '.repeat(22)}${'^'.repeat(90)}`,
    ],
  ])('%s', (_what, text, message, shown) => {
    expect(excerptOf(text, message)).toBe(shown);
  });

  it('costs no more in a file that is one long line', () => {
    const node = '{ name: a, role: etcd, host: h, port: 22, hostKeys: [] }, ';
    const text = `nodes: [${node.repeat(5_000)}]`;
    const beganMs = performance.now();
    for (let i = 0; i < 200; i++) {
      const start = text.indexOf('etcd', i * 1_000);
      const mark = { start, end: start + 4 };
      const excerpt = cutExcerpt(text, mark, [{ ...mark, shown: true }]);
      expect(excerpt.text.slice(excerpt.start, excerpt.start + excerpt.length)).toBe('etcd');
    }
    // Minutes where each excerpt reads the whole line.
    expect(performance.now() - beganMs).toBeLessThan(scaledMs(2_000));
  });
});
