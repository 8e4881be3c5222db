import { z } from 'zod';
import { secretSchema } from '../../../core/config/secret-text.ts';
import { wholeCheck } from '../../../core/config/whole-check.ts';
import { caField, portField, serverNameField, viaField } from '../service-probe.ts';

export const optionsSchema = z
  .strictObject({
    via: viaField('node'),
    port: portField(2381),
    tls: z
      .boolean()
      .default(false)
      .describe('Speak HTTPS, as OpenShift needs it (port 9978, with a client certificate)'),
    servername: serverNameField,
    ca: caField,
    clientCertificate: secretSchema
      .optional()
      .describe(
        'Client certificate (PEM), a reference; with `clientKey` and `ca`. It is only sent to a server that `ca` verifies',
      ),
    clientKey: secretSchema.optional().describe('Its private key (PEM), a reference'),
    optional: z
      .boolean()
      .default(false)
      .describe(
        'There may be no etcd, as on k3s with SQLite: a port where nobody listens is a note, until an etcd was seen there once',
      ),
  })
  .superRefine(
    ...wholeCheck<{
      tls?: unknown;
      ca?: unknown;
      clientCertificate?: unknown;
      clientKey?: unknown;
      servername?: unknown;
    }>((options, issue) => {
      const { tls, ca, clientCertificate, clientKey } = options;
      if (tls !== true) {
        const names = ['servername', 'ca', 'clientCertificate', 'clientKey'] as const;
        for (const name of names.filter((one) => options[one] !== undefined))
          issue([name], 'it has no meaning without HTTPS; write `tls: true` too', 'tls');
        return;
      }
      if ((clientCertificate === undefined) !== (clientKey === undefined)) {
        const [there, missing] =
          clientKey === undefined ? ['clientCertificate', 'clientKey'] : ['clientKey', 'clientCertificate'];
        issue([there as string], `\`${missing}\` is missing: both make one credential`, missing);
      }
      if (clientCertificate !== undefined && ca === undefined)
        issue(['clientCertificate'], 'it is only sent to a server that `ca` verifies; write `ca` too', 'ca');
    }),
  );

export type EtcdOptions = z.output<typeof optionsSchema>;
