import type { MetricsResult } from '@ckit/client';
import { bytes, code, dollars, list, seconds, sections, table } from './markdown';

/** What the daemon has done since its start. */
export function metricsReport(metrics: MetricsResult): string {
  const { answers, bytesReceived, bytesSent, memoryBytes, models, requests, searches, tools } = metrics;
  const mean = (total: number, count: number): string => seconds(count === 0 ? 0 : total / count);
  return sections(
    '# What the daemon has done',
    list([
      ['Runs for', seconds(metrics.uptimeSeconds)],
      ['Memory', bytes(memoryBytes)],
      ['Requests', `${metrics.inFlight} running, ${metrics.queued} waiting`],
      ['Received and sent', `${bytes(bytesReceived)} and ${bytes(bytesSent)}`],
      ['Answers from the cache', `${answers.cacheHits} of ${answers.cacheHits + answers.cacheMisses}`],
      ['Further tries', String(answers.retries)],
      ['Passages embedded', String(metrics.passagesEmbedded)],
    ]),
    '## Requests',
    table(
      ['Method', 'Outcome', 'Count', 'On average', 'Longest'],
      requests.map((each) => [
        code(each.method),
        each.outcome,
        String(each.count),
        mean(each.totalSeconds, each.count),
        seconds(each.maxSeconds),
      ]),
    ),
    '## Models',
    table(
      ['Model', 'Outcome', 'Calls', 'On average', 'Tokens in', 'Tokens out', 'Cost'],
      models.map((each) => [
        `${each.provider}/${each.model}`,
        each.outcome,
        String(each.count),
        mean(each.totalSeconds, each.count),
        String(each.inputTokens),
        String(each.outputTokens),
        dollars(each.cost),
      ]),
    ),
    '## Tools',
    table(
      ['Tool', 'Status', 'Runs', 'On average'],
      tools.map((each) => [code(each.tool), each.status, String(each.count), mean(each.totalSeconds, each.count)]),
    ),
    '## Searches',
    table(
      ['Mode', 'Count', 'Not as asked', 'On average'],
      searches.map((each) => [
        each.mode,
        String(each.count),
        String(each.degraded),
        mean(each.totalSeconds, each.count),
      ]),
    ),
  );
}
