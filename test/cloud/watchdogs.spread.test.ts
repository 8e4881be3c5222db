// The watchdogs of a deployment, with rounds that start anywhere in their minute.
import './watchdogs.test.ts';
import { spreadStarts } from './starts.ts';

spreadStarts('two');
