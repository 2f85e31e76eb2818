import type { FunctionVersion } from '../model/function-version.ts';
import type { Driver, LogSink, StartSpec } from './driver.ts';

/**
 * What the fleet needs from its surroundings to start a version. Given by the composition root, so that the fleet knows neither
 * disks nor logs.
 */
export interface Provision {
  /** The driver that runs a runtime. Throws HearthError InvalidParameterValueException naming what was found when there is none. */
  driver(runtime: string): Driver;
  /** Where the code lies and what it sees; `onDemand`: someone waits for the init phase. */
  startSpec(version: FunctionVersion, options: { readonly logStream: string; readonly onDemand: boolean }): Promise<StartSpec>;
  /** Where an instance's output goes, and what the platform says of it. */
  log(version: FunctionVersion, logStream: string): LogSink;
  /** The way there of what an instance itself prints: here it may be explained. */
  printed(log: LogSink): LogSink;
}
