import type { FunctionVersion } from '../model/function-version.ts';

/**
 * Lambda's log stream name: `2026/11/22/[$LATEST]` and 32 hexadecimal digits, here the instance's id. In a group of one's own, which several
 * functions may share, the function's name is before the version.
 */
export function logStreamName(version: Pick<FunctionVersion, 'name' | 'version' | 'logging'>, instanceId: string, nowMs: number): string {
  const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '/');
  const name = version.logging?.group ? version.name : '';
  return `${day}/${name}[${version.version}]${instanceId.replaceAll('-', '')}`;
}
