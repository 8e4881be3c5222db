import { CfnOutput, Duration, Fn, Stack } from 'aws-cdk-lib';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { type Data, DELIVERY_KEY, HEALTH_KEY } from './data.ts';
import { allowConfig, allowFiles } from './permissions.ts';
import type { Settings } from './settings.ts';
import { createStage, type Stage } from './stage.ts';

export interface History {
  stack: Stack;
  stage: Stage;
  /** Address without a slash at its end, under which people reach it. */
  publicUrl: string;
}

export interface HistoryProps {
  settings: Settings;
  data: Data;
  topic: ITopic;
  environment: Record<string, string>;
}

/** Pictures and health for everybody who knows the address: nothing else answers without a token. */
export function createHistory(app: Construct, { settings, data, topic, environment }: HistoryProps): History {
  const stack = new Stack(app, 'BartizanHistory', { description: 'Bartizan: pictures and health' });
  const stage = createStage(stack, {
    name: 'history',
    description: 'Serves pictures under their unguessable names, and whether all is well.',
    timeout: Duration.seconds(15),
    memoryMb: 512,
    environment,
    architecture: settings.architecture,
    topic,
  });
  allowConfig(stage.fn, data);
  allowFiles(stage.fn, data, 'charts/*', 'read');
  allowFiles(stage.fn, data, HEALTH_KEY, 'read');
  allowFiles(stage.fn, data, DELIVERY_KEY, 'read');
  const { url } = stage.fn.addFunctionUrl({ authType: FunctionUrlAuthType.NONE });
  const publicUrl = Fn.join('', ['https://', Fn.select(2, Fn.split('/', url))]);
  new CfnOutput(stack, 'PublicUrl', { description: 'Address of pictures and health', value: publicUrl });
  return { stack, stage, publicUrl };
}
