import { timeSeries } from './time-series.js';

/** What makes samples of data. */
export const data = { timeSeries };
