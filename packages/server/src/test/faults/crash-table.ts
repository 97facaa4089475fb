import { countOf } from './check-set.ts';
import type { CrashLoopReport } from './crash-loop.ts';
import type { Finding } from './finding.ts';

/** Figures of crash loops side by side. */
export function crashTable(reports: readonly (readonly [name: string, report: CrashLoopReport])[]): Finding['table'] {
  const rows: [string, (report: CrashLoopReport) => number][] = [
    ['kills', (report) => report.kills],
    ['events sent', (report) => report.sent],
    ['acknowledged', (report) => report.acknowledged],
    ['deliveries received', (report) => report.deliveries],
    ['**acknowledged and lost**', (report) => countOf(report, 'lost')],
    ['received and never sent', (report) => countOf(report, 'unexpected')],
    ['events with two ids, or owed twice', (report) => countOf(report, 'doubled')],
    ['repeated with other bytes', (report) => countOf(report, 'altered')],
    ['in doubt (sent, no answer), received', (report) => report.inDoubtReceived],
    ['in doubt, not received', (report) => report.inDoubt - report.inDoubtReceived],
    ['acknowledged before a kill, received after it', (report) => report.recovered],
    ['requests beyond the first of a delivery', (report) => report.duplicates],
    ['events sent again under their id', (report) => report.sentAgain],
  ];
  return [
    ['', ...reports.map(([name]) => name)],
    ...rows.map(([name, figure]) => [name, ...reports.map(([, report]) => figure(report))]),
  ];
}
