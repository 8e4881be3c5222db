import { type Condition, INDEXES, type Index, type TableQuery, type Value, type Write } from './table.ts';

interface Expression {
  names: Record<string, string>;
  values: Record<string, Value>;
}

interface ConditionFields {
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, Value>;
}

/** A write as TransactWriteItems takes it; its one member is what PutItem and DeleteItem take. */
export function transactItem(TableName: string, write: Write) {
  const condition = conditionFields(write.if);
  if ('put' in write) return { Put: { TableName, Item: write.put, ...condition } };
  if ('remove' in write) return { Delete: { TableName, Key: keyOf(write.remove), ...condition } };
  const { ConditionExpression = '', ...rest } = condition;
  return { ConditionCheck: { TableName, Key: keyOf(write.check), ConditionExpression, ...rest } };
}

/** A page of a query as Query takes it. */
export function queryInput(TableName: string, query: TableQuery, index: Index | undefined) {
  const [partition, sort] = index ? INDEXES[index] : ['pk', 'sk'];
  const expression: Expression = { names: { '#p': partition }, values: { ':p': query.pk } };
  const clauses = ['#p = :p'];
  const bound = (clause: string, values: Record<string, string>) => {
    clauses.push(clause);
    expression.names['#s'] = sort;
    Object.assign(expression.values, values);
  };
  const { from, to, beginsWith } = query;
  if (beginsWith !== undefined) bound('begins_with(#s, :s)', { ':s': beginsWith });
  else if (from !== undefined && to !== undefined) bound('#s BETWEEN :f AND :t', { ':f': from, ':t': to });
  else if (from !== undefined) bound('#s >= :f', { ':f': from });
  else if (to !== undefined) bound('#s <= :t', { ':t': to });
  return {
    TableName,
    ...(index ? { IndexName: index } : { ConsistentRead: true }),
    KeyConditionExpression: clauses.join(' AND '),
    ExpressionAttributeNames: expression.names,
    ExpressionAttributeValues: expression.values,
    ScanIndexForward: !query.newestFirst,
  };
}

function keyOf({ pk, sk }: { pk: string; sk: string }) {
  return { pk, sk };
}

function conditionFields(condition: Condition | undefined): ConditionFields {
  if (!condition) return {};
  const noItem = 'attribute_not_exists(pk)';
  switch (condition.is) {
    case 'absent':
      return { ConditionExpression: noItem };
    case 'without':
      return {
        ConditionExpression: 'attribute_not_exists(#a)',
        ExpressionAttributeNames: { '#a': condition.attribute },
      };
    case 'below':
      return {
        ConditionExpression: `${noItem} OR #a < :v`,
        ExpressionAttributeNames: { '#a': condition.attribute },
        ExpressionAttributeValues: { ':v': condition.than },
      };
    case 'equal': {
      const names = condition.to.map((_, i) => `:v${i}`);
      return {
        ConditionExpression: `${condition.orAbsent ? `${noItem} OR ` : ''}#a IN (${names.join(', ')})`,
        ExpressionAttributeNames: { '#a': condition.attribute },
        ExpressionAttributeValues: Object.fromEntries(
          condition.to.map((value, i) => [names[i] as string, value]),
        ),
      };
    }
  }
}
