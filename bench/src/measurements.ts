import { compare, type Surroundings } from './compare.ts';
import { type DrainBatchesResult, measureDrainBatches } from './drain-batches.ts';
import { drainCases } from './drain-cases.ts';
import { measureNeighbour, type NeighbourResult } from './neighbour.ts';
import { measurePendingReads, type PendingReadResult } from './pending-read.ts';
import { comparePostgres, type PostgresResult } from './postgres.ts';
import { measurePostgresCost, type PostgresCostResult } from './postgres-cost.ts';
import { type ComparisonResult, type DrainResult, reportComparison, reportDrain } from './report.ts';
import { reportDrainBatches } from './report-drain-batches.ts';
import { total } from './report-format.ts';
import { reportNeighbour } from './report-neighbour.ts';
import { reportPendingReads } from './report-pending-read.ts';
import { reportPostgres } from './report-postgres.ts';
import { reportPostgresCost } from './report-postgres-cost.ts';
import type { Measurement, Settings } from './settings.ts';

type Result =
  | ComparisonResult
  | PostgresResult
  | PostgresCostResult
  | PendingReadResult
  | NeighbourResult
  | DrainResult
  | DrainBatchesResult;

/** What is written to the file, what is printed, and how many accepted events never arrived. */
export interface Measured {
  result: Result;
  text: string;
  missing: number;
}

/** Of every measurement but that of filters, which needs nothing around it. */
export type SurroundedSettings = Settings & { measurement: Exclude<Measurement, 'filters'> };

export async function runMeasurement(surroundings: Surroundings, settings: SurroundedSettings): Promise<Measured> {
  switch (settings.measurement) {
    case 'neighbour': {
      const result = await measureNeighbour(surroundings, settings);
      const missing = total(result.cases, ({ latency, throughput }) =>
        total([...latency.rounds, ...throughput.rounds], (round) => round.missing),
      );
      return { result, text: reportNeighbour(result), missing };
    }
    case 'postgres': {
      const result = await comparePostgres(surroundings, settings);
      const systems = [result.sqlite, result.postgres, result.several].filter((one) => one !== null);
      const missing = total(
        systems,
        ({ throughput, latency }) => total(throughput.rounds, (round) => round.missing) + (latency?.missing ?? 0),
      );
      return { result, text: reportPostgres(result), missing };
    }
    case 'postgres-cost': {
      const result = await measurePostgresCost(surroundings, settings);
      return { result, text: reportPostgresCost(result), missing: 0 };
    }
    case 'pending-read': {
      const result = await measurePendingReads(surroundings, settings);
      return { result, text: reportPendingReads(result), missing: 0 };
    }
    case 'drain': {
      const result = await drainCases(surroundings, settings);
      return { result, text: reportDrain(result), missing: total(result.cases, (one) => one.missing) };
    }
    case 'drain-batches': {
      const result = await measureDrainBatches(surroundings, settings);
      const missing = total([...result.single, ...result.batched], (drain) => drain.missing);
      return { result, text: reportDrainBatches(result), missing };
    }
    case 'comparison': {
      const result = await compare(surroundings, settings);
      const systems = [result.relay, result.server, result.other?.result].filter((one) => one != null);
      const missing = total(
        systems,
        ({ throughput, latency }) => total(throughput.rounds, (round) => round.missing) + (latency?.missing ?? 0),
      );
      return { result, text: reportComparison(result), missing };
    }
  }
}
