import { z } from 'zod';
import { hostSchema, listenSchema, positiveDurationSchema, urlSchema } from './field-schemas.ts';
import { historySchema } from './history-schema.ts';
import { oidcSchema } from './oidc-schema.ts';
import { secretAddressSchema, secretSchema } from './secret-text.ts';

const NO_ADDRESS = 'this is no address; write `10.0.0.7`, `10.0.0.0/8` or `2001:db8::/32`';
const EVERYBODY = /\/0$/;
/** As a name of DNS may begin with `127.`, the whole text counts. */
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/i;
const NEEDED = 'set `allow`, `token` or both';

const addressesSchema = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], { error: () => NO_ADDRESS });

/** Who reads `/metrics` beside callers on the same machine. */
const metricsSchema = z
  .strictObject({
    listen: listenSchema
      .describe('Another address that has `/metrics` alone, so that a firewall can tell it from the rest')
      .meta({ examples: ['10.0.0.5:9471'] })
      .optional(),
    allow: z
      .array(addressesSchema)
      .describe('Addresses and subnets that may read them. Behind a proxy, that of the proxy')
      .meta({ examples: [['10.0.0.0/8']] })
      .default([]),
    token: secretSchema
      .describe(
        'What a reader sends as `Authorization: Bearer`: at least 16 characters. With `allow`, it needs both. Without TLS in front, the network can read it',
      )
      .meta({ examples: [`\${file:/etc/bartizan/metrics-token}`] })
      .optional(),
  })
  .superRefine(({ listen, allow, token }, context) => {
    const refuse = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message, input: undefined });
    if (listen && !LOOPBACK.test(listen.host) && allow.length === 0 && token === undefined)
      refuse(['listen'], `everybody in the network could read the metrics; ${NEEDED}`);
    for (const [i, entry] of allow.entries())
      if (EVERYBODY.test(entry) && token === undefined)
        refuse(['allow', i], 'this is everybody; write the subnet of the readers, or add a `token`');
  });

/** Files of certificates are replaced before they expire, so they are read again while the server runs. */
const tlsSchema = z.strictObject({
  cert: secretSchema
    .describe('The certificate in PEM, then those between it and the authority')
    .meta({ examples: [`\${file:/etc/bartizan/tls/cert.pem}`] }),
  key: secretSchema
    .describe('Its private key in PEM, without a passphrase')
    .meta({ examples: [`\${file:/etc/bartizan/tls/key.pem}`] }),
});

export const serverSchema = z
  .strictObject({
    listen: listenSchema
      .describe('Address for `/healthz`, `/metrics`, pictures and queries')
      .prefault('127.0.0.1:9470'),
    publicUrl: urlSchema
      .describe(
        'Address under which people reach the server; by default the one it listens on, or that of the deployment on AWS',
      )
      .meta({ examples: ['https://bartizan.example.net'] })
      .optional(),
    hosts: z
      .array(hostSchema)
      .describe(
        'Further names that requests may be for (`Host`). Always: `localhost`, addresses, the host of `listen` and of `publicUrl`',
      )
      .meta({ examples: [['bartizan.internal']] })
      .default([]),
    undeliveredAfter: positiveDurationSchema
      .describe('An alert that nobody has received for so long makes `/healthz` fail and stops the heartbeat')
      .prefault('5m'),
    chartRetention: positiveDurationSchema.describe('How long a picture can be fetched').prefault('30d'),
    tls: tlsSchema
      .describe(
        'Serves HTTPS alone, on every address. Changed files are in force within a minute; with bad ones the former certificate stays',
      )
      .optional(),
    history: historySchema
      .describe(
        'Queries to what was stored: the read API of Prometheus, the API of Alertmanager, and our own ([api.md](api.md))',
      )
      .prefault({}),
    metrics: metricsSchema
      .describe('Who may read `/metrics`. Without this section: callers on the same machine alone')
      .optional(),
    oidc: oidcSchema
      .describe(
        'How people log in to query history with a browser; needs `publicUrl`. Without this section: by tokens alone',
      )
      .optional(),
    heartbeat: secretAddressSchema
      .describe(
        'Address that is called after each completed round while alerts can be sent, so that another service notices when they cannot',
      )
      .optional(),
  })
  .superRefine(({ oidc, publicUrl }, context) => {
    if (oidc && publicUrl === undefined)
      context.addIssue({
        code: 'custom',
        path: ['oidc'],
        message: 'the provider leads people back to `publicUrl`; write it beside `oidc`',
        input: undefined,
      });
  })
  .transform(({ listen, hosts, undeliveredAfter, chartRetention, history, ...optional }) => {
    const { publicUrl, metrics, oidc, heartbeat, tls } = optional;
    const { timeout, ...limits } = history;
    const isShared = isElsewhere(publicUrl) || [listen.host, ...hosts].some((host) => !LOOPBACK.test(host));
    const { loopback = isShared ? 'none' : 'read' } = history;
    return {
      ...listen,
      hosts,
      undeliveredAfterMs: undeliveredAfter,
      chartRetentionMs: chartRetention,
      history: { ...limits, loopback, timeoutMs: timeout },
      ...(publicUrl !== undefined && { publicUrl }),
      ...(tls !== undefined && { tls }),
      ...(metrics !== undefined && { metrics }),
      ...(oidc !== undefined && { oidc }),
      ...(heartbeat !== undefined && { heartbeat }),
    };
  });

/** Whether people reach the server by another name than those of this machine alone. */
function isElsewhere(publicUrl: string | undefined): boolean {
  return publicUrl !== undefined && !LOOPBACK.test(new URL(publicUrl).hostname.replace(/^\[|\]$/g, ''));
}
