// The configuration after validation: durations in ms, sizes in bytes, every default filled in.

import type { ChartTheme } from './chart-theme.ts';
import type { Check } from './check.ts';
import type { CommandConfig } from './command.ts';
import type { Labels } from './labels.ts';
import type { LogLevel, LogStage } from './log.ts';
import type { Route } from './route.ts';
import type { Rule } from './rule.ts';
import type { Matcher, Silence } from './silence.ts';
import type { Role } from './target.ts';
import type { Scope } from './token.ts';

/**
 * A text that may hold `${env:NAME}`, `${file:path}`, `${credential:NAME}`, `${ssm:/path}` references. It stays unresolved in memory and is
 * resolved at use by the `Secrets` port, so that printing a configuration prints no secret.
 */
export type SecretText = string;

/** What a login is made with: a private key, or a key of an ssh-agent. */
export interface LoginConfig {
  /** Private key, OpenSSH or PEM; usually `${file:…}`. */
  privateKey?: SecretText;
  passphrase?: SecretText;
  /** Socket of an ssh-agent. */
  agent?: SecretText;
  /** `type base64` of the agent's key, where it holds several. */
  publicKey?: string;
}

export interface BastionConfig extends LoginConfig {
  name: string;
  host: string;
  port: number;
  user: string;
  /** known_hosts-style `type base64` lines; keys learned by `bartizan trust` come on top. */
  hostKeys: readonly string[];
  /** Concurrent SSH connections to this bastion, over all functions. */
  maxConnections: number;
  /** Targets of one batch at most. */
  batchSize: number;
  /** Targets of one batch that are probed concurrently. */
  concurrency: number;
  deadlines: { bastionMs: number; dialMs: number; handshakeMs: number; execMs: number };
  /** Output of one exec at most. */
  maxOutputBytes: number;
}

export interface NodeConfig {
  name: string;
  role: Role;
  host: string;
  port: number;
  user: string;
  hostKeys: readonly string[];
  /** Labels of the owner's choice, beside those of the cluster. */
  labels?: Labels | undefined;
}

/** A cluster without a login of its own logs in to its nodes as to its bastion. */
export interface ClusterConfig extends LoginConfig {
  name: string;
  /** The first of its bastions. */
  bastion: string;
  /** Further bastions that lead to its nodes, in order. */
  otherBastions?: readonly string[];
  nodes: readonly NodeConfig[];
  /** Labels of the owner's choice, for all its nodes. */
  labels?: Labels | undefined;
  /** Checks may connect from these nodes although a stolen key would be root there. */
  acceptsRootByForwarding?: boolean;
}

export interface ChannelConfig {
  name: string;
  type: string;
  /** Channel that gets what this one finally failed to deliver. */
  fallback?: string;
  /** Theme of the charts in its messages. */
  theme: ChartTheme;
  /** False: an alert that reaches nobody for its sake is a warning of health, no failure. Absent: true. */
  required?: boolean;
  /** Options as written; the channel type's schema finds them valid, and parses them when it creates the channel. */
  options: Readonly<Record<string, unknown>>;
}

/** Sessions that stay open between rounds. */
export interface SessionsConfig {
  /** A new login follows after so long at most. */
  renewMs: number;
  /** Whether a new connection proves the SSH server between logins. */
  door: boolean;
}

/** https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1; those that suit a record of accesses. */
export const SYSLOG_FACILITIES = [
  'auth',
  'authpriv',
  'audit',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;
export type SyslogFacility = (typeof SYSLOG_FACILITIES)[number];

export interface SyslogConfig {
  address: { host: string; port: number };
  /** Absent: plain TCP. */
  tls?:
    | {
        ca?: SecretText | undefined;
        servername?: string | undefined;
        clientCertificate?: SecretText | undefined;
        clientKey?: SecretText | undefined;
      }
    | undefined;
  facility: SyslogFacility;
  /** Private enterprise number of the structured data. */
  enterprise: number;
}

export interface AuditConfig {
  /** Infinity: no line is removed by its age. */
  keepMs: number;
  /** All files of one audit together. */
  maxBytes: number;
  syslog?: SyslogConfig;
}

/** How people log in to the history service. */
export interface OidcConfig {
  issuer: string;
  clientId: string;
  clientSecret?: SecretText | undefined;
  scopes: readonly string[];
  groupsClaim: string;
  /** The first that a person is in counts. */
  groups: readonly { group: string; scope: Scope; selector?: readonly Matcher[] | undefined }[];
  sessionMs: number;
  /** Absent: sessions are encrypted with `clientSecret`. */
  cookieSecret?: SecretText | undefined;
}

export interface Config {
  bastions: readonly BastionConfig[];
  clusters: readonly ClusterConfig[];
  /** Where more clusters come from; options as written, which the type's schema finds valid. */
  inventory: readonly { type: string; options: Readonly<Record<string, unknown>> }[];
  /** The operator's catalogue of scripts. */
  commands: readonly CommandConfig[];
  checks: readonly Check[];
  rules: readonly Rule[];
  channels: readonly ChannelConfig[];
  routes: readonly Route[];
  silences: readonly Silence[];
  /** `path`: folder of the embedded database, absolute. Retention of samples, and of their roll-ups. */
  store: {
    type: string;
    path: string;
    retentionMs: number;
    rollUpRetentionMs: number;
    /** Options as written, which the type's schema finds valid. */
    options: Readonly<Record<string, unknown>>;
  };
  /** Absent: state is in the data folder. Options as written, which the type's schema finds valid. */
  state?: { type: string; options: Readonly<Record<string, unknown>> };
  schedule: {
    /** A round starts up to this much after its scheduled time, the same for every round of a process. */
    jitterMs: number;
    /** IANA name; charts and messages show times in it. */
    timeZone: string;
    /** How late samples may arrive and still be evaluated. */
    latenessMs: number;
  };
  sessions: SessionsConfig;
  /** How much `up` logs; absent: `info`. */
  log?: { level: LogLevel; stages: Partial<Record<LogStage, LogLevel | undefined>> };
  /** The share of nodes that may go within an hour. Absent: the default of core/plan/removal-guard.ts. */
  removal?: { mostPercent: number };
  /** `file`: absolute path of the signatures of scripts. */
  signatures?: { file: string };
  audit: AuditConfig;
  server: {
    host: string;
    port: number;
    /** Address under which people reach the server, for pictures and links. Absent: where it listens. */
    publicUrl?: string;
    /** Further names that requests may be for. */
    hosts: readonly string[];
    /** An alert that nobody was sent for so long is a failure of health. */
    undeliveredAfterMs: number;
    /** How long a picture stays reachable. */
    chartRetentionMs: number;
    /** Who may read metrics beside callers on this machine: everybody in `allow` who has the token, where there is one. */
    metrics?: {
      listen?: { host: string; port: number } | undefined;
      allow: readonly string[];
      token?: SecretText | undefined;
    };
    oidc?: OidcConfig;
    /** Called after each completed round, while alerts can leave. */
    heartbeat?: SecretText;
    /** The server's certificate and private key, PEM. */
    tls?: { cert: SecretText; key: SecretText };
    history: HistoryConfig;
  };
}

/** Limits of the history service. */
export interface HistoryConfig {
  enabled: boolean;
  /** What a caller on the same machine may do without a token. */
  loopback: 'none' | 'read' | 'silence';
  timeoutMs: number;
  /** How many queries run at once. */
  maxQueries: number;
}
