// The faults of pipeline.test.ts, with rounds that start anywhere in their minute.
import './pipeline.test.ts';
import { spreadStarts } from './starts.ts';

spreadStarts('one');
