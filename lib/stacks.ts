import { Annotations, type App, Tags } from 'aws-cdk-lib';
import type { Config } from '../core/config/types.ts';
import { CONFIG_KEY, createData, type Data } from './data.ts';
import { createHistory, type History } from './history.ts';
import { createNetwork, type Network } from './network.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { ignoredFields, requireDeployable } from './requirements.ts';
import { readSettings } from './settings.ts';
import { createTopic } from './topic.ts';

export interface Source {
  /** Where the configuration was read from, for messages. */
  file: string;
  text: string;
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
 * @throws ConfigError for a setting that makes no sense, and for a configuration that cannot run on AWS
 */
export function defineStacks(app: App, { file, text, config }: Source): Stacks {
  const settings = readSettings((name) => app.node.tryGetContext(name));
  requireDeployable(config, file);
  const network = createNetwork(app, { config, settings });
  const data = createData(app, { config, configText: settings.uploadConfig ? text : undefined });
  const topic = createTopic(data.stack, settings.alarmEmail);
  const environment = {
    BARTIZAN_BUCKET: data.bucket.bucketName,
    BARTIZAN_CONFIG_KEY: CONFIG_KEY,
    BARTIZAN_TABLE: data.table.tableName,
    BARTIZAN_SHARDS: String(settings.shards),
  };
  const history = createHistory(app, { settings, data, topic, environment });
  const pipeline = createPipeline(app, {
    config,
    settings,
    data,
    network,
    topic,
    history: history.stage,
    environment: { ...environment, BARTIZAN_PUBLIC_URL: history.publicUrl },
  });
  for (const text of ignoredFields(config))
    Annotations.of(pipeline.stack).addWarningV2(`bartizan:${text.replace(/:.*$/, '')}`, text);
  Tags.of(app).add('project', 'bartizan');
  return { network, data, history, pipeline };
}
