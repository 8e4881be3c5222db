import { describe, expect, it } from 'vitest';
import { type Data, instant, range } from './evaluate.fixture.ts';

const data: Data = {
  'used{node="a",disk="x"}': '30',
  'used{node="a",disk="y"}': '80',
  'used{node="b",disk="x"}': '50',
  'size{node="a",disk="x"}': '100',
  'size{node="a",disk="y"}': '100',
  'size{node="c",disk="x"}': '100',
  'info{node="a",version="1.36"}': '1',
  'info{node="b",version="1.37"}': '1',
};

describe('a vector and a scalar', () => {
  it.each<[text: string, answer: string[]]>([
    ['used{node="b"} / 2', ['{disk="x", node="b"} 25']],
    ['100 - used{node="b"}', ['{disk="x", node="b"} 50']],
    ['-used{node="b"}', ['{disk="x", node="b"} -50']],
    ['+used{node="b"}', ['used{disk="x", node="b"} 50']],
    ['used > 40', ['used{disk="x", node="b"} 50', 'used{disk="y", node="a"} 80']],
    ['40 < used', ['used{disk="x", node="b"} 50', 'used{disk="y", node="a"} 80']],
    ['used{node="a"} > bool 40', ['{disk="x", node="a"} 0', '{disk="y", node="a"} 1']],
    ['used == NaN', []],
  ])('%s', async (text, answer) => expect(await instant(text, data)).toEqual(answer));
});

describe('two vectors', () => {
  it.each<[text: string, answer: string[]]>([
    ['used / size', ['{disk="x", node="a"} 0.3', '{disk="y", node="a"} 0.8']],
    ['used < size', ['used{disk="x", node="a"} 30', 'used{disk="y", node="a"} 80']],
    ['used > size', []],
    ['used < bool size', ['{disk="x", node="a"} 1', '{disk="y", node="a"} 1']],
    ['used{node="a",disk="x"} * on (node) info', ['{node="a"} 30']],
    ['used{node="b"} * ignoring (disk, version) info', ['{node="b"} 50']],
    ['used{node="b"} < ignoring (disk, version) used{node="b"} * 2', ['used{node="b"} 50']],
    [
      'used * on (node) group_left (version) info',
      [
        '{disk="x", node="a", version="1.36"} 30',
        '{disk="x", node="b", version="1.37"} 50',
        '{disk="y", node="a", version="1.36"} 80',
      ],
    ],
    [
      'info < on (node) group_right () used',
      ['used{disk="x", node="a"} 1', 'used{disk="x", node="b"} 1', 'used{disk="y", node="a"} 1'],
    ],
    ['used and size', ['used{disk="x", node="a"} 30', 'used{disk="y", node="a"} 80']],
    ['used unless size', ['used{disk="x", node="b"} 50']],
    ['used unless on (node) size', ['used{disk="x", node="b"} 50']],
    [
      'size{node="c"} or used{disk="x"}',
      ['size{disk="x", node="c"} 100', 'used{disk="x", node="a"} 30', 'used{disk="x", node="b"} 50'],
    ],
    [
      'used or on (disk) size',
      ['used{disk="x", node="a"} 30', 'used{disk="x", node="b"} 50', 'used{disk="y", node="a"} 80'],
    ],
    [
      'used and on () vector(1)',
      ['used{disk="x", node="a"} 30', 'used{disk="x", node="b"} 50', 'used{disk="y", node="a"} 80'],
    ],
    ['used + none', []],
  ])('%s', async (text, answer) => expect((await instant(text, data)).sort()).toEqual(answer));

  it.each([
    [
      'used * on (node) info{node="a"} ',
      'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
    ],
    [
      'info * on (node) used',
      'found duplicate series for the match group {node="a"} on the right hand-side of the operation: ' +
        '[used{disk="y", node="a"}, used{disk="x", node="a"}];many-to-many matching not allowed: matching labels must be unique on one side',
    ],
    [
      'used * on (node) group_right () info',
      'found duplicate series for the match group {node="a"} on the left hand-side',
    ],
    [
      'label_replace(used, "version", "", "", "") * on (node) group_left (disk) info',
      'multiple matches for labels: grouping labels must ensure unique matches',
    ],
  ])('%s fails', async (text, message) => {
    await expect(instant(text, data)).rejects.toThrow(message);
  });

  it('a match that a comparison filters out is a match nevertheless', async () => {
    await expect(instant('used > on (node) info{node="a"} + 1000', data)).rejects.toThrow('many-to-one');
  });

  it('series that never meet at one step do not collide', async () => {
    const turns = { 'a{x="1",y="1"}': '1', 'a{x="1",y="2"}': '_x5 2', 'b{x="1"}': '10x9' };
    expect(await range('a + on (x) b', turns, [0, 6])).toEqual(['{x="1"} 11 11 11 11 11 _ 12']);
    expect(await range('-{y=~"1|2"}', { 'a{y="1"}': '1', 'b{y="1"}': '_x5 2' }, [0, 6])).toEqual([
      '{y="1"} -1 -1 -1 -1 -1 _ -2',
    ]);
  });

  it('or takes the right side only where the left has nothing', async () => {
    const turns = { 'a{x="1"}': '1 _x6 3', 'b{x="1"}': '10x8' };
    expect(await range('a or b', turns, [3, 8])).toEqual(['a{x="1"} 1 1 _ _ _ 3', 'b{x="1"} _ _ 10 10 10 _']);
  });
});
