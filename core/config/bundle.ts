import { isMap } from 'yaml';
import { includedClusters, includePatterns, type SourceFile } from './include.ts';
import { rangeOf, readYaml } from './yaml-document.ts';

/**
 * Writes a configuration and its included files as one text: the main file as it is, with the clusters as JSON in the place of
 * `include`. A text without an include stays the same. The files must be valid.
 */
export function bundleConfig(main: string, included: readonly SourceFile[]): string {
  const text = main.replace(/^\ufeff/, '');
  const document = readYaml(text);
  const entry = isMap(document.root) ? document.entriesOf(document.root).get('clusters') : undefined;
  if (!entry || !includePatterns(document.data)) return main;
  const { start, end } = rangeOf(entry.value);
  const clusters = included.flatMap((file) => includedClusters(readYaml(file.text).data).clusters);
  const lines = clusters.map((cluster) => `  ${JSON.stringify(cluster)}`);
  // Each line is indented, so that the list is the value of its key in any style of YAML.
  return `${text.slice(0, start)}[\n${lines.join(',\n')}\n  ]\n${text.slice(end)}`;
}
