import { wholeCheck } from './whole-check.ts';

/** For `superRefine` of options with `clientCertificate` and `clientKey`: one is of no use without the other. */
export const certificatePair = wholeCheck<{ clientCertificate?: unknown; clientKey?: unknown }>(
  ({ clientCertificate, clientKey }, issue) => {
    if ((clientCertificate === undefined) === (clientKey === undefined)) return;
    const [has, lacks] =
      clientKey === undefined ? ['clientCertificate', 'clientKey'] : ['clientKey', 'clientCertificate'];
    issue([has], `\`${has}\` needs \`${lacks}\` beside it`);
  },
);
