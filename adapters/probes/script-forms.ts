import type { Target } from '../../core/model/target.ts';
import type { ScriptSignature, Signatures } from '../../core/signatures/signature-file.ts';
import { sentMessage, signedMessage } from '../../core/signatures/signed-script.ts';
import type { Script } from '../ssh/command.ts';
import type { Refusal } from '../ssh/failure.ts';
import { asProbeError } from './script-probe.ts';

/** What is sent of a script: the bare text, or the text with its signature. */
export interface ScriptForm {
  text: string;
  signature?: ScriptSignature;
}

/** Which form of a script a node accepts. Nodes that verify signatures and nodes that compare hashes may be mixed. */
export interface ScriptForms {
  /** The form to send, and the one to try if the node refuses it. */
  formsOf(target: Target, script: Script): [first: ScriptForm, second?: ScriptForm];
  /** Whether the other form may be accepted where this one was refused. */
  isWorthRetry(form: ScriptForm, refusal: Refusal): boolean;
  accepted(target: Target, form: ScriptForm): void;
}

/** A process that meets more nodes forgets which form they accept, and finds out again. */
const MOST_NODES = 100_000;

/**
 * Signed scripts go to every node first. A node that accepts the bare text instead gets that first from then on, while this
 * process lives: the second attempt costs it an execution.
 */
export function createScriptForms(): (signatures: Signatures | undefined) => ScriptForms {
  const bare = new Set<string>();
  return (signatures) => ({
    formsOf(target, script) {
      const signature = signatures?.get(script.sha256);
      const plain: ScriptForm = { text: script.text };
      if (!signature) return [plain];
      const signed = {
        text: sentMessage(signature.signature, signedMessage(signature, script.text)),
        signature,
      };
      return bare.has(nameOf(target)) ? [plain, signed] : [signed, plain];
    },
    // A line that verifies signatures refuses bare texts, and says why; one that compares hashes refuses without a word.
    isWorthRetry: (form, refusal) => (form.signature ? refusal === 'hash' : refusal === 'signature'),
    accepted(target, form) {
      const name = nameOf(target);
      if (form.signature) bare.delete(name);
      else if (signatures) {
        if (bare.size >= MOST_NODES) bare.clear();
        bare.add(name);
      }
    },
  });
}

/**
 * Runs a script in a form that the node accepts, within the time of one run. `run` gets what is left of it.
 * @throws ProbeError of the last attempt
 */
export async function inAcceptedForm<T>(
  forms: ScriptForms,
  target: Target,
  script: Script,
  { execMs, nowMs }: { execMs: number; nowMs: () => number },
  run: (form: ScriptForm, execMs: number) => Promise<T>,
): Promise<{ result: T; form: ScriptForm }> {
  const startMs = nowMs();
  const [first, second] = forms.formsOf(target, script);
  const attempt = async (form: ScriptForm) => {
    const result = await run(form, Math.max(0, execMs - (nowMs() - startMs)));
    forms.accepted(target, form);
    return { result, form };
  };
  try {
    return await attempt(first);
  } catch (cause) {
    const { refusal } = asProbeError(cause);
    if (!second || refusal === undefined || !forms.isWorthRetry(first, refusal)) throw cause;
    return attempt(second);
  }
}

function nameOf({ cluster, node }: Target): string {
  return JSON.stringify([cluster, node]);
}
