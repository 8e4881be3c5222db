import { isFunction, isLoop, type Node } from './syntax.ts';

/** One change of one node: its text becomes `text`, or the statement or block is not executed. */
export type Change = { how: 'replace'; operator: string; text: string } | { how: 'skip'; operator: string };

export interface Context {
  source: string;
  parent: Node | undefined;
  /** Inside the arguments of an error or a log line. */
  inMessage: boolean;
  /** The object or callee of an optional chain, which cannot stand alone. */
  inChain: boolean;
}

const COMPARISON: Record<string, readonly string[]> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
};
const ARITHMETIC: Record<string, string> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '**': '*',
  '&': '|',
  '|': '&',
  '^': '&',
  '<<': '>>',
  '>>': '<<',
  '>>>': '<<',
};
const ASSIGNMENT: Record<string, string> = {
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '/=': '*=',
  '??=': '&&=',
  '||=': '&&=',
  '&&=': '||=',
};
const METHODS: Record<string, string> = {
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  find: 'findLast',
  indexOf: 'lastIndexOf',
  push: 'unshift',
  trimStart: 'trimEnd',
  trimEnd: 'trimStart',
  toUpperCase: 'toLowerCase',
  toLowerCase: 'toUpperCase',
};
/** These calls return the object on which they were called. */
const DROPPED_METHODS: readonly string[] = [
  'filter',
  'sort',
  'toSorted',
  'reverse',
  'toReversed',
  'slice',
  'trim',
  'substring',
];
/** Values that no other operator changes as a whole. */
const PLAIN_VALUES: readonly string[] = [
  'CallExpression',
  'NewExpression',
  'Identifier',
  'MemberExpression',
  'ChainExpression',
  'AwaitExpression',
];

const replace = (operator: string, text: string): Change => ({ how: 'replace', operator, text });
const skip = (operator: string): Change => ({ how: 'skip', operator });

/** All changes of a node, without those of its children. */
export function changesOf(node: Node, context: Context): Change[] {
  const { parent } = context;
  if (context.inChain) return [];
  return [
    ...statementChanges(node, parent),
    ...conditionChanges(node, context),
    ...valueChanges(node, context),
  ];
}

function statementChanges(node: Node, parent: Node | undefined): Change[] {
  switch (node.type) {
    case 'ExpressionStatement': {
      const expression = node.expression as Node;
      const isSuper = expression.type === 'CallExpression' && (expression.callee as Node).type === 'Super';
      return isSuper || typeof node.directive === 'string' ? [] : [skip('statement')];
    }
    case 'ThrowStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
      return [skip('statement')];
    case 'ReturnStatement':
      return node.argument ? [] : [skip('statement')];
    case 'BlockStatement': {
      const body = node.body as Node[];
      const single = body.length === 1 ? body[0]?.type : undefined;
      const isCovered =
        single === 'ExpressionStatement' || single === 'ThrowStatement' || single === 'ReturnStatement';
      const isEmpty = body.length === 0;
      return isEmpty || isCovered || !parent ? [] : [skip('block')];
    }
    default:
      return [];
  }
}

function conditionChanges(node: Node, { parent }: Context): Change[] {
  if (!parent || node.type === 'Literal') return [];
  if (parent.test === node && parent.type !== 'SwitchCase') {
    return isLoop(parent)
      ? [replace('condition', 'false')]
      : [replace('condition', 'true'), replace('condition', 'false')];
  }
  if (parent.type === 'LogicalExpression') {
    const { operator } = parent;
    const isSame = node.type === 'LogicalExpression' && node.operator === operator;
    if (isSame || operator === '??' || node.type === 'ObjectExpression') return [];
    return [replace('condition', operator === '&&' ? 'true' : 'false')];
  }
  if (node.type === 'BinaryExpression' && isBoolean(node)) {
    return [replace('condition', 'true'), replace('condition', 'false')];
  }
  return [];
}

const isBoolean = (node: Node) =>
  COMPARISON[String(node.operator)] !== undefined || node.operator === 'in' || node.operator === 'instanceof';

function valueChanges(node: Node, context: Context): Change[] {
  const { source, parent, inMessage } = context;
  const text = (part: Node) => source.slice(part.start, part.end);
  const isResult =
    parent?.type === 'ReturnStatement' ||
    (parent !== undefined && isFunction(parent) && parent.body === node && node.type !== 'BlockStatement');
  const isEmptied = isResult && PLAIN_VALUES.includes(node.type) && text(node) !== 'undefined';
  const emptied = isEmptied ? [replace('result', 'undefined')] : [];
  switch (node.type) {
    case 'BinaryExpression':
      return binaryChanges(node, source);
    case 'LogicalExpression': {
      if (node.operator !== '??') {
        return [replace('logical', swapped(node, source, node.operator === '&&' ? '||' : '&&'))];
      }
      return [replace('default', text(node.left as Node)), replace('default', text(node.right as Node))];
    }
    case 'UnaryExpression':
      return ['!', '-', '~'].includes(String(node.operator)) && (node.argument as Node).type !== 'Literal'
        ? [replace('unary', text(node.argument as Node))]
        : [];
    case 'UpdateExpression': {
      const other = node.operator === '++' ? '--' : '++';
      const argument = text(node.argument as Node);
      return [replace('update', node.prefix ? other + argument : argument + other)];
    }
    case 'AssignmentExpression': {
      const other = ASSIGNMENT[String(node.operator)];
      return other && !isText(node.right as Node)
        ? [replace('assignment', swapped(node, source, other))]
        : [];
    }
    case 'Literal':
      return literalChanges(node, context);
    case 'TemplateLiteral':
      return inMessage || parent?.type === 'TaggedTemplateExpression' ? [] : [replace('string', "''")];
    case 'ArrayExpression':
      return (node.elements as unknown[]).length > 0 ? [replace('array', '[]')] : [];
    case 'ObjectExpression':
      return (node.properties as unknown[]).length > 0 && !inMessage ? [replace('object', '{}')] : [];
    case 'ChainExpression':
      return [...emptied, ...chainChanges(node, source)];
    case 'CallExpression':
      return [...emptied, ...methodChanges(node, source)];
    default:
      return emptied;
  }
}

/** The text with another operator; there may be brackets between the operands. */
function swapped(node: Node, source: string, operator: string): string {
  const left = node.left as Node;
  const right = node.right as Node;
  const gap = source.slice(left.end, right.start).replace(String(node.operator), () => operator);
  return source.slice(node.start, left.end) + gap + source.slice(right.start, node.end);
}

const isText = (node: Node) =>
  node.type === 'TemplateLiteral' || (node.type === 'Literal' && typeof node.value === 'string');

function binaryChanges(node: Node, source: string): Change[] {
  const operator = String(node.operator);
  const comparisons = COMPARISON[operator];
  if (comparisons) return comparisons.map((other) => replace('comparison', swapped(node, source, other)));
  const other = ARITHMETIC[operator];
  if (!other || isText(node.left as Node) || isText(node.right as Node)) return [];
  return [replace('arithmetic', swapped(node, source, other))];
}

function literalChanges(node: Node, { parent, inMessage }: Context): Change[] {
  const { value } = node;
  if (typeof value === 'boolean') return [replace('boolean', String(!value))];
  if (typeof value === 'number') return [replace('number', value === 1 ? '0' : String(value + 1))];
  // The types require the empty text of `[, name = '']`, which is never used.
  const isForTypes = value === '' && parent?.type === 'AssignmentPattern';
  if (typeof value === 'string' && !inMessage && !isForTypes && parent?.type !== 'ExpressionStatement') {
    return [replace('string', value === '' ? "'mutated'" : "''")];
  }
  const regex = node.regex as { pattern: string; flags: string } | undefined;
  if (!regex) return [];
  return regexPatterns(regex.pattern).map((pattern) => replace('regex', `/${pattern}/${regex.flags}`));
}

/** Without an anchor, or with another quantifier or the opposite class, one change each. */
function regexPatterns(pattern: string): string[] {
  const out: string[] = [];
  if (pattern.startsWith('^') && pattern.length > 1) out.push(pattern.slice(1));
  if (/(^|[^\\])\$$/.test(pattern) && pattern.length > 1) out.push(pattern.slice(0, -1));
  for (const match of pattern.matchAll(/(?<=[^\\(|^])\+(?!\?)|\\[dsw]/g)) {
    const found = match[0];
    const instead = found === '+' ? '' : found.toUpperCase();
    out.push(pattern.slice(0, match.index) + instead + pattern.slice(match.index + found.length));
  }
  return out;
}

/** Each `?.` as a plain access. */
function chainChanges(node: Node, source: string): Change[] {
  const out: Change[] = [];
  for (let link = node.expression as Node; link; ) {
    const before = (link.object ?? link.callee ?? link.expression) as Node | undefined;
    if (!before) break;
    if (link.optional === true) {
      const gap = source.slice(before.end, link.end);
      const plain = gap.replace(/\?\.(?=[[(])/, '').replace(/^([^?]*)\?\./, '$1.');
      out.push(
        replace('chain', source.slice(node.start, before.end) + plain + source.slice(link.end, node.end)),
      );
    }
    link = before;
  }
  return out;
}

function methodChanges(node: Node, source: string): Change[] {
  const callee = node.callee as Node;
  if (callee.type !== 'MemberExpression' || callee.computed === true) return [];
  const object = callee.object as Node;
  const property = callee.property as Node;
  const name = String(property.name);
  if (DROPPED_METHODS.includes(name)) return [replace('method', source.slice(object.start, object.end))];
  const other = METHODS[name];
  if (!other || !Object.hasOwn(METHODS, name)) return [];
  return [
    replace(
      'method',
      source.slice(node.start, property.start) + other + source.slice(property.end, node.end),
    ),
  ];
}
