import type { FunctionVersion } from '../model/function-version.ts';

/** Lambda's log stream name: `2026/11/22/[$LATEST]` and 32 hexadecimal digits, here the instance's id. */
export function logStreamName(version: Pick<FunctionVersion, 'version'>, instanceId: string, nowMs: number): string {
  const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '/');
  return `${day}/[${version.version}]${instanceId.replaceAll('-', '')}`;
}
