import { stripTypeScriptTypes } from 'node:module';
import { parseAst } from 'vitest/node';
import { type Change, changesOf } from './operators.ts';
import { childrenOf, isFunction, isMessageCall, isModuleSyntax, type Node } from './syntax.ts';

export interface Mutant {
  id: number;
  /** The path from the project's folder. */
  file: string;
  line: number;
  operator: string;
  original: string;
  replacement: string;
}

export interface Instrumented {
  code: string;
  mutants: Mutant[];
}

/**
 * All mutants of a file in one text: each calls `__mutant(id)` to ask whether it is active. Types are stripped first,
 * which keeps every position.
 */
export function instrument(file: string, typescript: string, firstId: number): Instrumented {
  const source = stripTypeScriptTypes(typescript, { mode: 'strip' });
  const program = parseAst(source) as unknown as Node;
  const mutants: Mutant[] = [];

  function add(node: Node, change: Change): number {
    const id = firstId + mutants.length;
    const original = source.slice(node.start, node.end);
    mutants.push({
      id,
      file,
      line: source.slice(0, node.start).split('\n').length,
      operator: change.operator,
      original,
      replacement: change.how === 'replace' ? change.text : '',
    });
    return id;
  }

  function render(node: Node, parent: Node | undefined, inMessage: boolean, inChain: boolean): string {
    if (isModuleSyntax(node)) return source.slice(node.start, node.end);
    const changes = changesOf(node, { source, parent, inMessage, inChain });
    const numbered = changes.map((change) => ({ change, id: add(node, change) }));
    let out = '';
    let at = node.start;
    for (const child of childrenOf(node)) {
      if (child.start < at) continue;
      const message = inMessage || (isMessageCall(node) && child !== node.callee);
      out += source.slice(at, child.start) + render(child, node, message, isSpine(node, child, inChain));
      at = child.end;
    }
    out += source.slice(at, node.end);
    return numbered.length > 0 ? guarded(node, parent, out, numbered) : out;
  }

  return { code: render(program, undefined, false, false), mutants };
}

/** Whether `child` is the part of an optional chain that must stay joined to the rest. */
function isSpine(node: Node, child: Node, inChain: boolean): boolean {
  if (node.type === 'ChainExpression') return true;
  if (node.type === 'UnaryExpression' && node.operator === 'delete') return true;
  return inChain && (child === node.object || child === node.callee);
}

function guarded(
  node: Node,
  parent: Node | undefined,
  text: string,
  numbered: readonly { change: Change; id: number }[],
): string {
  let out = '';
  for (const { change, id } of numbered) {
    if (change.how === 'replace') {
      out += `__mutant(${id})?(${change.text}):`;
      continue;
    }
    if (node.type !== 'BlockStatement') return `{if(!__mutant(${id})){${text}}}`;
    return parent && isFunction(parent)
      ? `{if(__mutant(${id}))return;${text.slice(1)}`
      : `{if(!__mutant(${id}))${text}}`;
  }
  return `(${out}(${text}))`;
}
