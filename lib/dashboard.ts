import { Duration, type Stack } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { counted } from './alarms.ts';
import type { Stage } from './stage.ts';

const PERIOD = Duration.minutes(5);

/** The pipeline on one page: rounds, messages, queues, functions. */
export function createDashboard(
  stack: Stack,
  { stages, queues }: { stages: readonly Stage[]; queues: ReadonlyMap<string, Queue> },
): void {
  const ofStages = (metric: (stage: Stage) => IMetric) => stages.map(metric);
  const counters = (service: string, ...names: string[]) =>
    names.map((name) => counted(name, service, PERIOD));
  const dashboard = new Dashboard(stack, 'Dashboard', { defaultInterval: Duration.hours(6) });
  dashboard.addWidgets(
    graph('Rounds', [
      ...counters('plan', 'rounds_planned_total'),
      ...counters('evaluate', 'rounds_total'),
      ...counters('probe', 'batches_expired_total', 'bastion_failures_total'),
    ]),
    graph(
      'Samples',
      counters(
        'store',
        ...[
          'samples_written_total',
          'samples_duplicate_total',
          'samples_rejected_total',
          'samples_too_late_total',
        ],
      ),
    ),
    graph('Messages', counters('deliver', 'deliveries_total', 'deliveries_failed_total', 'pictures_total')),
  );
  dashboard.addWidgets(
    graph(
      'Oldest message, s',
      [...queues].map(([label, queue]) =>
        queue.metricApproximateAgeOfOldestMessage({ label, period: PERIOD, statistic: 'Maximum' }),
      ),
    ),
    graph(
      'Duration p95, ms',
      ofStages(({ name, fn }) => fn.metricDuration({ label: name, period: PERIOD, statistic: 'p95' })),
    ),
    graph(
      'Errors',
      ofStages(({ name, fn }) => fn.metricErrors({ label: name, period: PERIOD })),
    ),
  );
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6 });
}
