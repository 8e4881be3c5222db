/** A node of the ESTree that the parser returns; only the fields that the operators read. */
export interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

/** The nodes directly inside `node`, in the order of the text. Keys that are only names are left out. */
export function childrenOf(node: Node): Node[] {
  const out: Node[] = [];
  for (const [field, value] of Object.entries(node)) {
    if (isNameOnly(node, field)) continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) out.push(child);
  }
  return out.sort((a, b) => a.start - b.start);
}

function isNameOnly(node: Node, field: string): boolean {
  switch (node.type) {
    case 'Property':
      return field === 'key' && (node.shorthand === true || node.computed !== true);
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return field === 'key' && node.computed !== true;
    case 'MemberExpression':
      return field === 'property' && node.computed !== true;
    default:
      return false;
  }
}

/** Imports and re-exports have no behaviour. */
export const isModuleSyntax = (node: Node): boolean =>
  node.type === 'ImportDeclaration' ||
  node.type === 'ExportAllDeclaration' ||
  (node.type === 'ExportNamedDeclaration' && isNode(node.source));

const LOOPS: readonly string[] = ['WhileStatement', 'DoWhileStatement', 'ForStatement'];
export const isLoop = (node: Node): boolean => LOOPS.includes(node.type);

const FUNCTIONS: readonly string[] = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'];
export const isFunction = (node: Node): boolean => FUNCTIONS.includes(node.type);

/** Whether the arguments of this call are text for people: errors and log lines. */
export function isMessageCall(node: Node): boolean {
  const callee = node.callee as Node | undefined;
  if (!callee) return false;
  if (node.type === 'NewExpression')
    return callee.type === 'Identifier' && /Error$/.test(String(callee.name));
  const object = callee.type === 'MemberExpression' ? (callee.object as Node) : callee;
  const name = object.type === 'MemberExpression' ? (object.property as Node).name : object.name;
  return node.type === 'CallExpression' && /^(log|logger|console)$/.test(String(name));
}
