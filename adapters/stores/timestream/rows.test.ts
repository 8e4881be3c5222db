import type { ColumnInfo, Row } from '@aws-sdk/client-timestream-query';
import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../core/errors.ts';
import { readRows } from './rows.ts';

const columns = (types: Record<string, ColumnInfo['Type']>): ColumnInfo[] =>
  Object.entries(types).map(([Name, Type]) => ({ Name, Type }));
const varchar = { ScalarType: 'VARCHAR' } as const;
const timestamp = { ScalarType: 'TIMESTAMP' } as const;
const double = { ScalarType: 'DOUBLE' } as const;

describe('answers of Timestream', () => {
  // As published with https://github.com/aws-samples/aws-iot-core-lorawan
  it('are read: three scalars', () => {
    const info = columns({ time: timestamp, DevEUI: varchar, SNR: double });
    const cells = ['2020-11-27 11:54:21.917000000', 'a84041b3618248f7', '11.75'];
    const rows = [{ Data: cells.map((ScalarValue) => ({ ScalarValue })) }];
    expect(readRows(info, rows)).toEqual([
      { time: Date.UTC(2020, 10, 27, 11, 54, 21, 917), DevEUI: 'a84041b3618248f7', SNR: 11.75 },
    ]);
  });

  // As published with https://github.com/aws-samples/aws-iot-twinmaker-samples
  it('are read: a measure that is NULL, and one that is text', () => {
    const info = columns({
      TelemetryAssetId: varchar,
      measure_name: varchar,
      time: timestamp,
      'measure_value::double': double,
      'measure_value::varchar': varchar,
    });
    const Data = [
      { ScalarValue: 'Mixer_2_23a4ba92-f85c-423a-ba95-0a2f392d68eb' },
      { ScalarValue: 'alarm_status' },
      { ScalarValue: '2022-03-04 20:43:26.827000000' },
      { NullValue: true },
      { ScalarValue: 'NORMAL' },
    ];
    expect(readRows(info, [{ Data }])).toEqual([
      {
        TelemetryAssetId: 'Mixer_2_23a4ba92-f85c-423a-ba95-0a2f392d68eb',
        measure_name: 'alarm_status',
        time: Date.UTC(2022, 2, 4, 20, 43, 26, 827),
        'measure_value::double': undefined,
        'measure_value::varchar': 'NORMAL',
      },
    ]);
  });

  it.each([
    ['4.294967167E7', 42_949_671.67],
    ['4.9E-324', 5e-324],
    ['1.7976931348623157E308', Number.MAX_VALUE],
    ['-0.5', -0.5],
    ['42.0', 42],
  ])('are read: the double %s', (text, value) => {
    expect(readRows(columns({ x: double }), [{ Data: [{ ScalarValue: text }] }])).toEqual([{ x: value }]);
  });

  it.each([
    ['1970-01-01 00:00:00.000000000', 0],
    ['2026-11-24 23:59:59.999000000', Date.UTC(2026, 10, 24, 23, 59, 59, 999)],
    ['2026-11-24 23:59:59.001999999', Date.UTC(2026, 10, 24, 23, 59, 59, 1)],
    ['2026-11-24 12:00:00', Date.UTC(2026, 10, 24, 12)],
    ['2026-11-24 12:00:00.5', Date.UTC(2026, 10, 24, 12, 0, 0, 500)],
  ])('are read: the time %s', (text, timeMs) => {
    expect(readRows(columns({ t: timestamp }), [{ Data: [{ ScalarValue: text }] }])).toEqual([{ t: timeMs }]);
  });

  it.each<[string, ColumnInfo['Type'], Row['Data']]>([
    ['a time of another form', timestamp, [{ ScalarValue: '24.11.2026' }]],
    ['a time that is none', timestamp, [{ ScalarValue: '2026-13-40 12:00:00.000000000' }]],
    ['a number that is none', double, [{ ScalarValue: '' }]],
    ['NaN', double, [{ ScalarValue: 'NaN' }]],
    ['an array', { ArrayColumnInfo: { Type: double } }, [{ ArrayValue: [{ ScalarValue: '1.0' }] }]],
    ['nothing in a cell', double, [{}]],
    ['a cell too many', double, [{ ScalarValue: '1.0' }, { ScalarValue: '1.0' }]],
    ['no cells', double, undefined],
  ])('are an error: %s', (_, type, Data) => {
    expect(() => readRows(columns({ x: type }), [{ Data }])).toThrow(RetryableError);
  });
});
