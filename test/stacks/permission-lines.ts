// The permissions that functions of several tests need, as policy-text.ts writes them.

export const STATE = ['BatchGetItem', 'ConditionCheckItem', 'DeleteItem', 'PutItem', 'Query'];
export const PARAMETERS = 'arn:<Partition>:ssm:<Region>:<AccountId>:parameter/bartizan';
export const KEYS = 'arn:<Partition>:kms:<Region>:<AccountId>:key/*';
export const ANY_FUNCTION = 'arn:<Partition>:lambda:<Region>:<AccountId>:function:*';
export const INTERFACES = [
  ...['Assign', 'Unassign'].map((what) => `ec2:${what}PrivateIpAddresses`),
  ...['Create', 'Delete'].map((what) => `ec2:${what}NetworkInterface`),
  ...['NetworkInterfaces', 'Subnets'].map((what) => `ec2:Describe${what}`),
];
export const WORKSPACE =
  'arn:<Partition>:aps:ap-northeast-2:<AccountId>:workspace/ws-00000000-0000-0000-0000-000000000000';

export const always = (stage: string) => [
  `logs:CreateLogStream ${stage}Log.Arn`,
  `logs:PutLogEvents ${stage}Log.Arn`,
  's3:ListBucket Files.Arn',
];
/** The sections of the active configuration. */
export const reads = (...parts: string[]) => [
  's3:GetObject Files.Arn/config/active.json',
  ...parts.map((part) => `s3:GetObject Files.Arn/config/expanded/${part}-*`),
];
/** The function itself moves messages that failed for good to the dead letters. */
export const receives = (queue: string) => [
  ...['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'GetQueueUrl', 'ReceiveMessage'].map(
    (action) => `sqs:${action} ${queue}.Arn`,
  ),
  ...sends(`${queue.replace(/^(ProbeToseoul)Queue$/, '$1')}DeadLetters`),
];
export const sends = (...queues: string[]) =>
  queues.flatMap((queue) => [`sqs:SendMessage ${queue}.Arn`, `sqs:SendMessageBatch ${queue}.Arn`]);
export const state = (condition = '') => STATE.map((action) => `dynamodb:${action} State.Arn${condition}`);
export const parameters = (...names: string[]) => [
  ...names.flatMap((name) => [
    `ssm:GetParameter ${PARAMETERS}/${name}`,
    `ssm:GetParameters ${PARAMETERS}/${name}`,
  ]),
  `kms:Decrypt ${KEYS} if kms:EncryptionContext:PARAMETER_ARN = ${names.map((name) => `${PARAMETERS}/${name}`).join(', ')}`,
];
