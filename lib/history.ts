import { CfnOutput, Duration, Fn, Stack } from 'aws-cdk-lib';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { type Data, DELIVERY_KEY, HEALTH_KEY } from './data.ts';
import { stackName } from './names.ts';
import { allowConfig, allowFiles } from './permissions.ts';
import type { Settings } from './settings.ts';
import { createStage, type Stage } from './stage.ts';
import { HISTORY_TIMEOUT_SECONDS } from './timing.ts';

export interface History {
  stack: Stack;
  stage: Stage;
  /** The public address, without a slash at its end. */
  publicUrl: string;
}

export interface HistoryProps {
  settings: Settings;
  data: Data;
  topic: ITopic;
  environment: Record<string, string>;
}

/** Serves pictures and health to everybody who knows the address. Everything else needs a token. */
export function createHistory(app: Construct, { settings, data, topic, environment }: HistoryProps): History {
  const stack = new Stack(app, stackName(app, 'History'), { description: 'Bartizan: pictures and health' });
  const stage = createStage(stack, {
    name: 'history',
    description: 'Serves pictures under their unguessable names, and health.',
    timeout: Duration.seconds(HISTORY_TIMEOUT_SECONDS),
    memoryMb: 512,
    reserved: settings.publicConcurrency,
    environment,
    machine: settings,
    topic,
  });
  allowConfig(stage.fn, data, ['public']);
  allowFiles(stage.fn, data, 'charts/*', 'read');
  allowFiles(stage.fn, data, HEALTH_KEY, 'read');
  allowFiles(stage.fn, data, DELIVERY_KEY, 'read');
  const { url } = stage.fn.addFunctionUrl({ authType: FunctionUrlAuthType.NONE });
  const publicUrl = Fn.join('', ['https://', Fn.select(2, Fn.split('/', url))]);
  new CfnOutput(stack, 'PublicUrl', { description: 'Address of pictures and health', value: publicUrl });
  return { stack, stage, publicUrl };
}
