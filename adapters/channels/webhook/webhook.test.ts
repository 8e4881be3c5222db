import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sampleAlert, sampleNotification, samplePicture } from '../../../test/contract/notifications.ts';
import { referencesIn } from '../../secrets/option-references.ts';
import { multipart } from './multipart.ts';
import { type PictureWay, payloadSchema, render } from './payload.ts';
import { signatureHeaders, webhook } from './webhook.ts';

function optionsFor(baseUrl: string, more: Readonly<Record<string, unknown>> = {}) {
  return webhook.options.parse({
    url: `${baseUrl}/hooks/\${env:TOKEN}`,
    secret: '${env:KEY}',
    headers: { authorization: 'Bearer ${env:HEADER}' },
    ...more,
  });
}

describe('a multipart body', () => {
  it('has a boundary that is nowhere in its content', () => {
    const [boundary = ''] = /bartizan-\w+/.exec(multipart('key', '{}', new Uint8Array()).contentType) ?? [];
    const other = multipart('key', JSON.stringify({ title: boundary }), new Uint8Array());
    expect(other.contentType).not.toContain(boundary);
    expect(other).toEqual(multipart('key', JSON.stringify({ title: boundary }), new Uint8Array()));
  });

  it('is JSON alone when there is no picture', () => {
    expect(render(sampleNotification(), undefined, { picture: 'multipart' }).picture).toBeNull();
  });
});

describe('the signature', () => {
  // Test vector of the Standard Webhooks reference libraries.
  it('is that of Standard Webhooks', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const headers = signatureHeaders(
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      '{"test": 2432232314}',
      secret,
      1_614_265_330_000,
    );
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('refuses a key that is no base64 without printing it', () => {
    expect(() => signatureHeaders('id', '', 'whsec_no base64!', 0)).toThrow('behind whsec_ stands no base64');
  });
});

describe('render', () => {
  it('says all there is', () => {
    const notification = sampleNotification({
      alerts: [
        sampleAlert({ noDataSinceMs: 4_000 }),
        sampleAlert({
          alertId: 'b',
          status: 'resolved',
          untold: true,
          firedReason: 'threshold',
          valueAtMs: 3_000,
          clearedAtMs: 1_000,
          resolvedAtMs: 2_000,
          value: undefined,
          reason: 'no-data',
        }),
      ],
    });
    const body = render(notification, samplePicture, { picture: 'base64' });
    expect(payloadSchema.parse(body)).toEqual(body);
    expect(body).toMatchObject({
      version: 1,
      key: 'inc-0123456789abcdef:1',
      status: 'firing',
      sentAt: '2026-11-24T09:10:02.000Z',
      title:
        'FIRING critical · 1 new, 1 fired and resolved (한빛-<prod>&"db" / 노드-1 *_[`) · Memory usage: 한빛-<prod>&"db" / 노드-1 *_[`',
      alerts: [
        {
          value: 94.1,
          valueAt: null,
          news: true,
          untold: false,
          reason: 'threshold',
          firedReason: 'threshold',
          noDataSince: '1970-01-01T00:00:04.000Z',
          condition: '> 90%',
          forSeconds: 600,
          since: '2026-11-24T09:00:00.000Z',
          resolvedAt: null,
        },
        {
          value: null,
          valueAt: '1970-01-01T00:00:03.000Z',
          untold: true,
          reason: 'no-data',
          firedReason: 'threshold',
          clearedAt: '1970-01-01T00:00:01.000Z',
          resolvedAt: '1970-01-01T00:00:02.000Z',
        },
      ],
    });
    expect(body.text).toBe(
      [
        'FIRING critical · 1 new, 1 fired and resolved (한빛-<prod>&"db" / 노드-1 *_[`) · Memory usage: 한빛-<prod>&"db" / 노드-1 *_[`',
        '2026-11-24 18:10:02 Asia/Seoul · first message',
        '✖ 노드-1 *_[` has used 94.1% of its memory for 10m',
        '  한빛-<prod>&"db" / 노드-1 *_[` · since 18:00:00, fired 18:10:00, no data since 1 Jan 1970 09:00:04',
        '✔ 노드-1 *_[` has used 94.1% of its memory for 10m',
        '  한빛-<prod>&"db" / 노드-1 *_[` · since 18:00:00, fired 18:10:00, resolved 1 Jan 1970 09:00:02 (cleared 1 Jan 1970 09:00:01) as its data ended: its state is unknown, not sent while it fired',
        'runbook: https://runbooks.example.net/memory',
      ].join('\n'),
    );
  });

  it('carries the picture inside, as an address, or not', () => {
    const pictureOf = (how: PictureWay) =>
      render(sampleNotification(), samplePicture, { picture: how }).picture;
    expect(Buffer.from(pictureOf('base64')?.base64 ?? '', 'base64')).toEqual(Buffer.from(samplePicture.png));
    expect(pictureOf('url')).toMatchObject({ url: samplePicture.url, base64: null, part: null });
    expect(pictureOf('none')).toBeNull();
    expect(render(sampleNotification(), undefined, { picture: 'base64' }).picture).toBeNull();
  });

  it('shortens by whole alerts', () => {
    const alerts = Array.from({ length: 30 }, (_, i) => sampleAlert({ alertId: `a${i}` }));
    const body = render(sampleNotification({ alerts }), undefined, { picture: 'none' });
    expect(body.alerts).toHaveLength(30);
    expect(body.text).toContain('\nand 20 more\n');
  });
});

it('refers to the secrets of its address, key and headers', () => {
  const options = optionsFor('http://hooks.example.net');
  expect(referencesIn(webhook.options, options)).toEqual(['${env:TOKEN}', '${env:KEY}', '${env:HEADER}']);
});

it('the published schema is that of the code', async () => {
  const schema = `${JSON.stringify(z.toJSONSchema(payloadSchema, { io: 'input' }), null, 2)}\n`;
  await expect(schema).toMatchFileSnapshot('../../../docs/schema/webhook-v1.schema.json');
});
