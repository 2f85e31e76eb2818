/** How the last change of a function stands, in Lambda's words. `Failed`: it was undone, and the revision before it serves. */
export type UpdateState =
  | { readonly status: 'Successful' | 'InProgress' }
  | {
      readonly status: 'Failed';
      /** LastUpdateStatusReasonCode. */
      readonly reasonCode: 'FunctionError.InitTimeout' | 'FunctionError.RuntimeInitError' | 'InternalError';
      readonly reason: string;
    };

/** Asked for the state of a function's last change, by name. */
export type UpdateStates = (functionName: string) => UpdateState;
