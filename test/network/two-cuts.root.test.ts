// Two bastions; one direction of the networks of both is cut.
import type { Cut } from '../../examples/openssh/network.ts';
import { CUTS, endAfterEach, FEW, itSurvives } from './bastion-cuts.ts';
import { useNetwork } from './fixture.ts';

useNetwork(FEW, { second: true });
endAfterEach();
itSurvives(
  CUTS.flatMap((one, i): [Cut[], Cut[]][] => [
    [[one], [one]],
    [[one], [CUTS[(i + 2) % CUTS.length] as Cut]],
  ]),
);
