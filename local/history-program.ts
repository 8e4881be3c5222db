// The process of the history service: it reads store and state by connections of its own. Started by history-child.ts.

import { writeFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { constants, setPriority } from 'node:os';
import { findLines } from '../adapters/audit/find-lines.ts';
import { createChartRenderer } from '../adapters/charts/renderer.ts';
import { targetsOf } from '../adapters/inventory/file.ts';
import { createSecrets } from '../adapters/secrets/secrets.ts';
import { openPostgresState } from '../adapters/state/postgres/state.ts';
import { postgresOptionsOf } from '../adapters/state/registry.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openStore } from '../adapters/stores/registry.ts';
import type { Findings } from '../core/health.ts';
import { meterTo } from '../core/meter.ts';
import type { Config } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import type { Logger, Secrets, StateStore } from '../core/ports.ts';
import { MOST_ANSWER_BYTES } from '../history/answer.ts';
import { openHistoryService } from '../history/open-service.ts';
import type { HistoryPorts } from '../history/ports.ts';
import type { HistoryService } from '../history/service.ts';
import { systemClock } from './clock.ts';
import { createExchange, type Exchange } from './history-exchange.ts';
import type { FromChild, Question, Reply, ToChild } from './history-messages.ts';

/** `up` writes at the same time; its transactions are short. */
const BUSY_MS = 10_000;

const post = (message: FromChild) => process.send?.(message);
const { ask, receiveReply } = createQuestions(post);
const secrets = createAskedSecrets(ask);
const logger = createPostingLogger(post);
const first = Promise.withResolvers<Config>();
let config: Config | undefined;
let targets: readonly Target[] | undefined;

// Without `up` there is nobody to answer.
process.on('disconnect', () => process.exit());
giveWay();
// What opens store and state asks for secrets, so the listener comes first.
const opened = first.promise.then(open);
process.on('message', (message: ToChild) => {
  switch (message.kind) {
    case 'config':
      config = message.config;
      targets = undefined;
      return first.resolve(config);
    case 'reply':
    case 'no-reply':
      return receiveReply(message);
    default:
      return void opened.then((exchange) => exchange.receive(message));
  }
});
await opened;
// A killed process would lose what it has compiled.
flushCompileCache();

/** Rounds come first: for the processor, and where memory is short. */
function giveWay(): void {
  for (const yields of [
    () => setPriority(constants.priority.PRIORITY_BELOW_NORMAL),
    () => writeFileSync('/proc/self/oom_score_adj', '1000'),
  ])
    try {
      yields();
    } catch {
      // Not every system allows it.
    }
}

async function open(start: Config): Promise<Exchange> {
  const inForce = () => config ?? start;
  const { path } = start.store;
  const state = await openState(start, secrets);
  const ports: HistoryPorts = {
    config: async () => inForce(),
    async targets() {
      targets ??= targetsOf(inForce().clusters);
      return targets;
    },
    store: await openStore(start.store, { secrets, clock: systemClock, readOnly: true }),
    state,
    clock: systemClock,
    logger,
    meter: meterTo((change) => post({ kind: 'measure', change })),
    findAuditLines: (filter, limit) => findLines(path, filter, limit),
    async recordAction(action) {
      await ask({ of: 'action', action });
    },
    draw: createDraw(),
    health: async () => (await ask({ of: 'health' })) as Findings,
  };
  let opened: { server: string; service: Promise<HistoryService> } | undefined;

  /** Another one after a change of what it is made of. */
  function serviceNow(): Promise<HistoryService> {
    const { server } = inForce();
    const made = JSON.stringify([server.oidc, server.publicUrl]);
    if (opened?.server !== made) {
      const service = openHistoryService({
        ...{ ports, tokens: state, secrets, server, mostAnswerBytes: MOST_ANSWER_BYTES },
        limits: () => inForce().server.history,
        loopback: () => inForce().server.history.loopback,
        isSecure: start.server.tls !== undefined,
      });
      opened = { server: made, service };
    }
    return opened.service;
  }

  await serviceNow();
  return createExchange({ answer: async (...asked) => (await serviceNow()).answer(...asked) }, post);
}

/** One picture at a time, as each takes tens of megabytes. */
function createDraw(): NonNullable<HistoryPorts['draw']> {
  const renderer = createChartRenderer();
  let last: Promise<unknown> = Promise.resolve();
  return (spec, signal) => {
    const drawn = last.then(() => {
      signal.throwIfAborted();
      return renderer.render(spec);
    });
    last = drawn.catch(() => {});
    return drawn;
  };
}

async function openState(config: Config, secrets: Secrets): Promise<StateStore> {
  const postgres = postgresOptionsOf(config);
  if (postgres) return await openPostgresState(postgres, { secrets });
  return openSqliteState({ path: config.store.path, busyTimeoutMs: BUSY_MS });
}

/** Questions to the process. */
function createQuestions(post: (message: FromChild) => void) {
  const open = new Map<number, PromiseWithResolvers<Reply>>();
  let lastId = 0;
  return {
    async ask(question: Question): Promise<Reply> {
      const id = ++lastId;
      const answered = Promise.withResolvers<Reply>();
      open.set(id, answered);
      post({ kind: 'ask', id, question });
      return await answered.promise;
    },
    receiveReply(message: Extract<ToChild, { kind: 'reply' | 'no-reply' }>): void {
      const answered = open.get(message.id);
      open.delete(message.id);
      if (message.kind === 'reply') answered?.resolve(message.reply);
      else answered?.reject(new Error(message.error));
    },
  };
}

/** Secrets that the process resolves; what it answered is redacted here, too. */
function createAskedSecrets(ask: (question: Question) => Promise<Reply>): Secrets {
  const known = createSecrets({ baseDir: '/' });
  const resolve = async (text: string, isRenewed: boolean) => {
    const value = (await ask({ of: 'secret', text, isRenewed })) as string;
    if (value !== text) known.hide?.(value);
    return value;
  };
  return {
    resolve: (text) => resolve(text, false),
    renew: (text) => resolve(text, true),
    redact: known.redact,
    hide: (value) => known.hide?.(value),
  };
}

function createPostingLogger(post: (message: FromChild) => void): Logger {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: Record<string, unknown> = {}) =>
      post({ kind: 'log', level, message, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
