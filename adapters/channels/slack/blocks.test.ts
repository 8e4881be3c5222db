import { describe, expect, it } from 'vitest';
import { sampleAlert, sampleNotification } from '../../../test/contract/notifications.ts';
import { BLOCKS_LIMIT, CHARACTERS_LIMIT, HEADER_LIMIT, render, SECTION_LIMIT, TEXT_LIMIT } from './blocks.ts';

describe('the blocks', () => {
  it('say all of a notification, names in plain text', () => {
    expect(render(sampleNotification())).toEqual({
      text: '🔴 FIRING critical · Memory usage: 한빛-&lt;prod&gt;&amp;"db" / 노드-1 *_[`',
      blocks: [
        {
          type: 'header',
          text: {
            type: 'plain_text',
            emoji: false,
            text: '🔴 FIRING critical · Memory usage: 한빛-<prod>&"db" / 노드-1 *_[`',
          },
        },
        {
          type: 'context',
          elements: [
            { type: 'plain_text', emoji: false, text: '2026-11-24 18:10:02 Asia/Seoul · first message' },
          ],
        },
        {
          type: 'section',
          text: {
            type: 'plain_text',
            emoji: false,
            text: '✖ 노드-1 *_[` has used 94.1% of its memory for 10m\n한빛-<prod>&"db" / 노드-1 *_[` · since 18:00:00, fired 18:10:00',
          },
        },
        {
          type: 'context',
          elements: [{ type: 'mrkdwn', text: '<https://runbooks.example.net/memory|Runbook>' }],
        },
      ],
    });
  });

  it('stay within the limits, by leaving out whole alerts', () => {
    const alerts = Array.from({ length: 60 }, (_, i) =>
      sampleAlert({ alertId: `a${i}`, summary: 'x'.repeat(900) }),
    );
    const { blocks } = render(sampleNotification({ alerts }));
    const sections = blocks.filter((block) => block.type === 'section');
    expect(JSON.stringify(sections).length).toBeLessThan(CHARACTERS_LIMIT + 2_000);
    expect(JSON.stringify(blocks)).toContain(`and ${60 - sections.length} more`);
  });

  it('link a runbook whatever its address holds, and name one whose markup would be too long', () => {
    const links = (runbook: string) =>
      render(sampleNotification({ alerts: [sampleAlert({ runbook })] })).blocks.at(-1)?.elements;
    expect(links('https://r.example.net/a|b>c?d=1&e="f g"')).toEqual([
      { type: 'mrkdwn', text: '<https://r.example.net/a%7Cb%3Ec?d=1&amp;e=%22f%20g%22|Runbook>' },
    ]);
    expect(links(`https://r.example.net/?${'&'.repeat(1_900)}`)).toEqual([
      {
        type: 'plain_text',
        emoji: false,
        text: 'Runbook: r.example.net (its address is too long for Slack)',
      },
    ]);
  });

  it('hold each field within its limit, whatever names hold', () => {
    const long = '<&👩‍🚀'.repeat(2_000);
    const alerts = Array.from({ length: 25 }, (_, i) =>
      sampleAlert({ alertId: `a${i}`, title: long, summary: long, detail: long, labels: { mount: long } }),
    );
    const { text, blocks } = render(sampleNotification({ alerts }));
    expect(text.length).toBeLessThanOrEqual(TEXT_LIMIT);
    expect(blocks.length).toBeLessThanOrEqual(BLOCKS_LIMIT);
    const texts = blocks.flatMap(({ text: own, elements }) => [own, elements].flat().filter(Boolean));
    for (const [i, { text: one }] of (texts as { text: string }[]).entries()) {
      expect(one.length).toBeLessThanOrEqual(i === 0 ? HEADER_LIMIT : SECTION_LIMIT);
      expect(one.isWellFormed()).toBe(true);
    }
  });
});
