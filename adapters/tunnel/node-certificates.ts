import { type FileCertificate, parsePki } from '../../core/parse/pki-output.ts';
import { createNodeHandle } from '../probes/node-handle.ts';
import { pkiScript } from '../probes/pki/pki.ts';
import type { CheckOptions } from '../probes/probe.ts';
import { createScriptForms } from '../probes/script-forms.ts';
import { loadSignatures, type SignatureSource } from '../signatures/signature-source.ts';
import { logInAudited } from '../ssh/audited-login.ts';
import { openBastionConnection } from '../ssh/bastion-connection.ts';
import { accessTo, type NodeLogin } from './route.ts';

/**
 * Logs in to a node, and reads its certificates by the script of the check `pki`, which `bartizan keys` permits.
 * @param chosen options of that check
 * @throws ProbeError, ConfigError
 */
export async function readNodeCertificates(
  options: NodeLogin & { signatures: SignatureSource | undefined },
  chosen: CheckOptions,
): Promise<readonly FileCertificate[]> {
  const { bastion, sessions, nowMs, accessor, record } = options;
  const { kind, actor } = accessor;
  const connection = await logInAudited(bastion, options, (access) =>
    openBastionConnection({ ...access, sessions, nowMs, count: () => {} }),
  );
  try {
    const roundMs = nowMs();
    const audit: typeof record = (entry) => record({ ...entry, ...accessor });
    const signatures = options.signatures && (await loadSignatures(options.signatures));
    const forms = createScriptForms()(signatures);
    const context = { connection, bastion, roundMs, nowMs, kind, actor, audit, resampleAfterMs: 0, forms };
    const access = await accessTo(options);
    const deadlines = { ...access.deadlines, leftMs: access.deadlines.execMs };
    const { handle, finish } = createNodeHandle(context, { ...access, deadlines });
    const { parsed } = await handle.run(pkiScript(chosen), parsePki).finally(finish);
    return parsed.certificates;
  } finally {
    connection.close();
  }
}
