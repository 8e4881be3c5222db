import { invalid } from './service-error.ts';
import { type Token, tokenize } from './tokens.ts';

/*
 * The part of the service's SQL that our store uses, and nothing else: another construct is an error that names it.
 *
 *   statement = DESCRIBE table | SELECT items FROM table [WHERE or] [GROUP BY sum {"," sum}]
 *     https://docs.aws.amazon.com/timestream/latest/developerguide/supported-sql-constructs.DESCRIBE.html
 *     https://docs.aws.amazon.com/timestream/latest/developerguide/supported-sql-constructs.SELECT.html
 *   items     = "*" | item {"," item}           item = sum [AS name]
 *   table     = name "." name                   name = word | '"' … '"'
 *   or        = and {OR and}                    and  = test {AND test}
 *     https://docs.aws.amazon.com/timestream/latest/developerguide/logical-operators.html
 *   test      = sum [("=" | ">=") sum | BETWEEN sum AND sum | IS [NOT] NULL | IN "(" sum {"," sum} ")"]
 *     https://docs.aws.amazon.com/timestream/latest/developerguide/comparison-operators.html
 *   sum       = product {"+" product}           product = primary {("*" | "/") primary}
 *     https://docs.aws.amazon.com/timestream/latest/developerguide/mathematical-operators.html
 *   primary   = string | integer | interval | function "(" sum {"," sum} ")" | name | "(" or ")"
 */

export type Expression = { line: number; column: number } & (
  | { kind: 'literal'; value: string | bigint; type: 'varchar' | 'bigint' | 'interval' }
  | { kind: 'column'; name: string }
  | { kind: 'call'; name: string; args: readonly Expression[] }
  | { kind: 'operator'; operator: Operator; args: readonly Expression[] }
);

export type Operator =
  | 'or'
  | 'and'
  | '='
  | '>='
  | 'between'
  | 'is null'
  | 'is not null'
  | 'in'
  | '+'
  | '*'
  | '/';

export interface TableName {
  database: string;
  table: string;
}

export type Statement =
  | { kind: 'describe'; table: TableName }
  | {
      kind: 'select';
      table: TableName;
      /** Undefined: all columns. */
      items: readonly { expression: Expression; name?: string }[] | undefined;
      where?: Expression;
      groupBy: readonly Expression[];
    };

const KEYWORDS = /^(select|from|where|group|by|as|and|or|between|is|not|null|in|describe)$/i;

/** Parses one statement. @throws ServiceError that names the unknown construct and its position */
export function parse(query: string): Statement {
  const tokens = tokenize(query);
  let at = 0;

  const peek = () => tokens[at] as Token;
  const isKeyword = (keyword: string) => {
    const token = peek();
    return token.kind === 'word' && token.text.toLowerCase() === keyword;
  };
  const isSymbol = (symbol: string) => {
    const token = peek();
    return token.kind === 'symbol' && token.text === symbol;
  };
  const take = (found: boolean) => {
    if (found) at++;
    return found;
  };
  const keyword = (text: string) => take(isKeyword(text));
  const symbol = (text: string) => take(isSymbol(text));
  const demand = (found: boolean, what: string) => {
    if (!found) throw unknown(peek(), what);
  };
  const list = <T>(one: () => T): T[] => {
    const found = [one()];
    while (symbol(',')) found.push(one());
    return found;
  };

  function name(): string {
    const token = peek();
    const fits = token.kind === 'quoted' || (token.kind === 'word' && !KEYWORDS.test(token.text));
    if (!fits) throw unknown(token, 'a name');
    at++;
    return token.text;
  }

  function table(): TableName {
    const database = name();
    demand(symbol('.'), "'.'");
    return { database, table: name() };
  }

  function chain(
    operators: readonly Operator[],
    next: () => Expression,
    takes: (text: string) => boolean,
  ): Expression {
    let left = next();
    for (;;) {
      const operator = operators.find((one) => takes(one));
      if (operator === undefined) return left;
      const { line, column } = left;
      left = { line, column, kind: 'operator', operator, args: [left, next()] };
    }
  }

  const or = (): Expression => chain(['or'], and, keyword);
  const and = (): Expression => chain(['and'], test, keyword);
  const sum = (): Expression => chain(['+'], product, symbol);
  const product = (): Expression => chain(['*', '/'], primary, symbol);

  function test(): Expression {
    const left = sum();
    const made = (operator: Operator, ...rest: Expression[]): Expression => {
      const { line, column } = left;
      return { line, column, kind: 'operator', operator, args: [left, ...rest] };
    };
    if (symbol('=')) return made('=', sum());
    if (symbol('>=')) return made('>=', sum());
    if (keyword('between')) {
      const low = sum();
      demand(keyword('and'), 'AND');
      return made('between', low, sum());
    }
    if (keyword('is')) {
      const operator = keyword('not') ? 'is not null' : 'is null';
      demand(keyword('null'), 'NULL');
      return made(operator);
    }
    if (keyword('in')) {
      demand(symbol('('), "'('");
      const values = list(sum);
      demand(symbol(')'), "')'");
      return made('in', ...values);
    }
    return left;
  }

  function primary(): Expression {
    const token = peek();
    const { line, column } = token;
    if (token.kind === 'string') {
      at++;
      return { line, column, kind: 'literal', type: 'varchar', value: token.text };
    }
    if (token.kind === 'integer' || token.kind === 'interval') {
      at++;
      return token.kind === 'integer'
        ? { line, column, kind: 'literal', type: 'bigint', value: token.value }
        : { line, column, kind: 'literal', type: 'interval', value: token.nanoseconds };
    }
    if (symbol('(')) {
      const inner = or();
      demand(symbol(')'), "')'");
      return inner;
    }
    const text = name();
    if (token.kind === 'quoted' || !symbol('(')) return { line, column, kind: 'column', name: text };
    const args = list(sum);
    demand(symbol(')'), "')'");
    return { line, column, kind: 'call', name: text.toLowerCase(), args };
  }

  function item() {
    const expression = sum();
    return keyword('as') ? { expression, name: name() } : { expression };
  }

  function statement(): Statement {
    if (keyword('describe')) return { kind: 'describe', table: table() };
    demand(keyword('select'), 'SELECT or DESCRIBE');
    const items = symbol('*') ? undefined : list(item);
    demand(keyword('from'), 'FROM');
    const from = table();
    const where = keyword('where') ? or() : undefined;
    const groups = keyword('group');
    if (groups) demand(keyword('by'), 'BY');
    const groupBy = groups ? list(sum) : [];
    return { kind: 'select', table: from, items, groupBy, ...(where && { where }) };
  }

  const parsed = statement();
  demand(peek().kind === 'end', 'the end of the query');
  return parsed;
}

function unknown(token: Token, wanted: string) {
  const shown = 'text' in token ? `'${token.text}'` : token.kind === 'end' ? 'the end' : 'a number';
  return invalid(
    `line ${token.line}:${token.column}: the emulator does not know ${shown} here, where ${wanted} may stand`,
  );
}
