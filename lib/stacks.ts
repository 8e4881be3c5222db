import { Annotations, type App, Tags } from 'aws-cdk-lib';
import { DEFAULT_NAME } from '../adapters/aws/deployment.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { CONFIG_KEY, createData, type Data } from './data.ts';
import { deploymentRecord, recordProblems } from './deployment-record.ts';
import { createHistory, type History } from './history.ts';
import { createNetwork, type Network } from './network.ts';
import { checkNetworkAccess } from './network-access.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { ignoredFields, requireDeployable } from './requirements.ts';
import { readSettings } from './settings.ts';
import { storeDataSettings } from './settings-parameter.ts';
import { storeTableName } from './table-parameter.ts';
import { createTopic, notifyRecoveries } from './topic.ts';

export interface Source {
  /** The path of the configuration, for messages. */
  file: string;
  config: Config;
}

export interface Stacks {
  network: Network;
  data: Data;
  history: History;
  pipeline: Pipeline;
}

/**
 * The pipeline of a configuration as stacks of the app, for any account and region.
 * @throws ConfigError for an invalid setting, and for a configuration that cannot run on AWS
 */
export function defineStacks(app: App, { file, config }: Source): Stacks {
  const settings = readSettings((name) => app.node.tryGetContext(name));
  const access = checkNetworkAccess(config, settings);
  requireDeployable(config, file, access.problems);
  const [tooLong] = recordProblems(config, settings);
  if (tooLong !== undefined) throw new ConfigError(tooLong);
  const network = createNetwork(app, { config, settings });
  const data = createData(app, { config, settings });
  const remembered = deploymentRecord(config, settings);
  storeDataSettings(data.stack, { ...remembered, bucket: data.bucket.bucketName });
  const topic = createTopic(data.stack, settings.alarmEmail);
  const environment = {
    BARTIZAN_BUCKET: data.bucket.bucketName,
    BARTIZAN_CONFIG_KEY: CONFIG_KEY,
    BARTIZAN_TABLE: data.table.tableName,
    BARTIZAN_SHARDS: String(settings.shards),
  };
  const history = createHistory(app, { config, settings, data, network, topic, environment });
  const pipeline = createPipeline(app, {
    config,
    settings,
    data,
    network,
    remembered,
    topic,
    history: history.stages,
    environment: { ...environment, BARTIZAN_PUBLIC_URL: history.publicUrl },
  });
  storeTableName(pipeline.stack, data.table);
  notifyRecoveries(pipeline.stack, topic, [pipeline.stack, history.stack]);
  for (const text of [...ignoredFields(config), ...access.warnings])
    Annotations.of(pipeline.stack).addWarningV2(`bartizan:${text.replace(/^-c |:.*$/g, '')}`, text);
  Tags.of(app).add('project', 'bartizan');
  if (settings.name !== DEFAULT_NAME) Tags.of(app).add('deployment', settings.name);
  return { network, data, history, pipeline };
}
