// The files of a configuration: the main one, and those with clusters. All data are checked as one; each finding then goes to the
// file that it is about.

import { createDiagnostics, type Diagnostics } from './diagnostics.ts';
import { itemAt, type JsonSchema } from './fields.ts';
import { type IncludedFiles, includedClusters, includedSchema, type SourceFile } from './include.ts';
import { type Inspection, inspect } from './inspect.ts';
import type { Finding, Path, Problem } from './problem.ts';
import { readYaml } from './yaml-document.ts';
import type { SyntaxFinding } from './yaml-errors.ts';

export interface OpenFile {
  file: string;
  /** Undefined for a file without content. */
  data: unknown;
  hasContent: boolean;
  syntax: Problem[];
  /** Where its document becomes a guess. */
  brokenAt: number | undefined;
  inspection: Inspection;
  diagnostics: Diagnostics;
  /** The path in the whole configuration of a path in the file. */
  toWhole(path: Path): Path;
  /** The other way round, for a path in this file. */
  toOwn(path: Path): Path;
}

const same = (path: Path) => path;

export function openMain(source: SourceFile, schema: JsonSchema): OpenFile {
  return { ...openFile(source, () => schema), toWhole: same, toOwn: same };
}

/**
 * Opens the files in order. Returns the clusters of all, the file of each, and what is wrong with a file as a whole, at its own path.
 */
export function openIncluded(files: IncludedFiles['files'], schema: JsonSchema) {
  const clusters: unknown[] = [];
  const owners: OpenFile[] = [];
  const findings: { of: OpenFile; finding: Finding }[] = [];
  const cluster = clusterSchemaOf(schema);
  const opened = files.map((source): OpenFile => {
    const base = openFile(source, (data) => includedSchema(data, cluster));
    const found = includedClusters(base.data);
    const from = clusters.length;
    const isList = Array.isArray(base.data);
    const file: OpenFile = {
      ...base,
      toWhole: (path) => {
        const [index = 0, ...rest] = isList ? path : [0, ...path];
        return ['clusters', from + Number(index), ...rest];
      },
      toOwn: ([, index, ...rest]) => (isList ? [Number(index) - from, ...rest] : rest),
    };
    for (const one of found.clusters) {
      clusters.push(one);
      owners.push(file);
    }
    if (found.finding && base.hasContent) findings.push({ of: file, finding: found.finding });
    return file;
  });
  return { opened, clusters, owners, findings };
}

function clusterSchemaOf({ properties }: JsonSchema): JsonSchema {
  const { anyOf: forms = [] } = (properties?.clusters ?? {}) as JsonSchema;
  const list = (forms as JsonSchema[]).find(({ type }) => type === 'array');
  return (list && itemAt(list, 0)) ?? {};
}

function openFile({ file, text: written }: SourceFile, schemaOf: (data: unknown) => JsonSchema) {
  const text = written.replace(/^\ufeff/, '');
  const document = readYaml(text);
  const schema = schemaOf(document.data);
  const diagnostics = createDiagnostics(document, { text, file, schema });
  const broken = document.findings.find((finding) => finding.structural);
  const { data, root } = document;
  return {
    file,
    data,
    hasContent: root !== undefined && root !== null,
    syntax: document.findings.map((finding) =>
      diagnostics.syntax(finding === broken ? asLast(finding) : finding),
    ),
    brokenAt: broken?.offset,
    inspection: inspect(data, schema),
    diagnostics,
  };
}

function asLast(finding: SyntaxFinding): SyntaxFinding {
  return { ...finding, suggestion: `${finding.suggestion}; the rest of the file is not checked` };
}
