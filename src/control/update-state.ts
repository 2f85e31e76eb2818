import type { FunctionVersion } from '../model/function-version.ts';

/** Why an init phase failed, in Lambda's words. */
export interface FailedUpdate {
  readonly status: 'Failed';
  /** LastUpdateStatusReasonCode; StateReasonCode of a numbered version. */
  readonly reasonCode: 'FunctionError.InitTimeout' | 'FunctionError.RuntimeInitError' | 'InternalError';
  readonly reason: string;
}

/**
 * How the last change of a function stands, or the making of a numbered version, in Lambda's words. `Failed`: the change was undone, and the revision
 * before it serves; of a numbered version, that its snapshot could not be made.
 */
export type UpdateState = { readonly status: 'Successful' | 'InProgress' } | FailedUpdate;

/** Asked how a version stands, as it is stored. */
export type UpdateStates = (version: FunctionVersion) => UpdateState;
