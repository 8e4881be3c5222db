// Two bastions; one direction of the network of one of them is cut.
import type { Cut } from '../../examples/openssh/network.ts';
import { CUTS, endAfterEach, FEW, itSurvives } from './bastion-cuts.ts';
import { useNetwork } from './fixture.ts';

useNetwork(FEW, { second: true });
endAfterEach();
itSurvives(
  CUTS.flatMap((one): [Cut[], Cut[]][] => [
    [[one], []],
    [[], [one]],
  ]),
);
