import { absent, functionOf, invalid, type Operation, type Operations } from './operation.ts';

const nothing: Operation = () => {
  throw absent();
};

function refused(what: string): Operation {
  return () => {
    throw invalid(what);
  };
}

const CAPACITY = 'Hearth has no capacity providers: functions run on this machine, and scaling.max or reserved concurrency bounds them.';
const DURABLE = 'Hearth has no durable executions: let the function keep its state in a database, and retry by events.';

/** Operations that Hearth has no meaning for. What reads finds nothing; what writes is told so. */
export const UNSERVED: Operations = {
  CreateCapacityProvider: refused(CAPACITY),
  UpdateCapacityProvider: nothing,
  DeleteCapacityProvider: nothing,
  GetCapacityProvider: nothing,
  ListCapacityProviders: () => ({ CapacityProviders: [] }),
  ListFunctionVersionsByCapacityProvider: nothing,
  GetFunctionScalingConfig: refused(CAPACITY),
  PutFunctionScalingConfig: refused(CAPACITY),
  CheckpointDurableExecution: refused(DURABLE),
  ListDurableExecutionsByFunction: (call, deps) => {
    functionOf(call, deps);
    return { DurableExecutions: [] };
  },
  GetDurableExecution: nothing,
  GetDurableExecutionHistory: nothing,
  GetDurableExecutionState: refused(DURABLE),
  StopDurableExecution: nothing,
  SendDurableExecutionCallbackFailure: refused(DURABLE),
  SendDurableExecutionCallbackHeartbeat: refused(DURABLE),
  SendDurableExecutionCallbackSuccess: refused(DURABLE),
};
